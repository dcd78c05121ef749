"""Checks that the recorded updates explain the current links, so that no other change goes unnoticed."""

from collections.abc import Iterable

import torch
from numpy.typing import NDArray

from topolearn.errors import InvalidValueError
from topolearn.evolution import TopologyUpdate
from topolearn.graph import LayeredNetwork
from topolearn.sampling import fingerprint
from topolearn.sampling.fingerprint import MODULUS


class Continuity:
    """The fingerprint of each layer's links, followed from update to update."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def begin(self, network: LayeredNetwork) -> None:
        """Start from the current links."""
        self._known = {name: _of(graph.cells) for name, graph in network.graphs.items()}

    def follow(self, update: TopologyUpdate, network: LayeredNetwork) -> None:
        """Apply an update to the fingerprints.

        Raises
        ------
        InvalidValueError
            When the update does not lead to the current links.
        """
        for name, events in update.items():
            change = _of(events.cells["regrown"]) - _of(events.lost)
            self._known[name] = (self._known[name] + change) % MODULUS
        self.check(network, update)

    def check(self, network: LayeredNetwork, layers: Iterable[str]) -> None:
        """Raise if the recorded updates do not explain the current links.

        Raises
        ------
        InvalidValueError
        """
        for name in layers:
            if name not in self._known or self._known[name] != _of(network[name].cells):
                raise InvalidValueError(
                    f"the links of layer {name!r} do not follow from the recorded updates: they were changed or loaded "
                    "during recording; restore the model first, then continue with record(..., resume=True), or "
                    "record into another directory"
                )


def _of(cells: NDArray) -> int:
    return fingerprint(torch.tensor(cells, dtype=torch.int64))
