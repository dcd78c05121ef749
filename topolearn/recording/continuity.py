"""Whether the recorded updates explain the links: no change between two of them goes unseen."""

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
        """Take the links as they are."""
        self._known = {name: _of(graph.cells) for name, graph in network.graphs.items()}

    def follow(self, update: TopologyUpdate, network: LayeredNetwork) -> None:
        """Take over what an update did.

        Raises
        ------
        InvalidValueError
            When it does not lead to the links that are there.
        """
        for name, events in update.items():
            change = _of(events.cells["regrown"]) - _of(events.lost)
            self._known[name] = (self._known[name] + change) % MODULUS
        self.check(network, update)

    def check(self, network: LayeredNetwork, layers: Iterable[str]) -> None:
        """Refuse links that the recorded updates do not explain.

        Raises
        ------
        InvalidValueError
        """
        for name in layers:
            if name not in self._known or self._known[name] != _of(network[name].cells):
                raise InvalidValueError(
                    f"the links of layer {name!r} are not those that the recorded updates make: they were changed or "
                    "loaded while they were recorded; restore the model first, then continue with record(..., "
                    "resume=True), or record into another directory"
                )


def _of(cells: NDArray) -> int:
    return fingerprint(torch.tensor(cells, dtype=torch.int64))
