"""Whether the recorded updates explain the links: no change between two of them goes unseen."""

from collections.abc import Iterable

import torch
from numpy.typing import NDArray

from topolearn.errors import InvalidValueError
from topolearn.evolution import TopologyUpdate
from topolearn.graph import LayeredNetwork
from topolearn.sampling import RandomField

_FIELD = RandomField(0, purpose="fingerprint")
_BITS = 2**64


def fingerprint(cells: NDArray) -> int:
    """Return a number that tells sets of cells apart, and adds up over disjoint ones, modulo 2^64.

    Examples
    --------
    >>> import numpy as np
    >>> (fingerprint(np.array([3, 5])) + fingerprint(np.array([4]))) % 2**64 == fingerprint(np.array([3, 4, 5]))
    True
    """
    return int(_FIELD.bits(torch.tensor(cells, dtype=torch.int64)).sum()) % _BITS


class Continuity:
    """The fingerprint of each layer's links, followed from update to update."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def begin(self, network: LayeredNetwork) -> None:
        """Take the links as they are."""
        self._known = {name: fingerprint(graph.cells) for name, graph in network.graphs.items()}

    def follow(self, update: TopologyUpdate, network: LayeredNetwork) -> None:
        """Take over what an update did.

        Raises
        ------
        InvalidValueError
            When it does not lead to the links that are there.
        """
        for name, events in update.items():
            change = fingerprint(events.cells["regrown"]) - fingerprint(events.lost)
            self._known[name] = (self._known[name] + change) % _BITS
        self.check(network, update)

    def check(self, network: LayeredNetwork, layers: Iterable[str]) -> None:
        """Refuse links that the recorded updates do not explain.

        Raises
        ------
        InvalidValueError
        """
        for name in layers:
            if name not in self._known or self._known[name] != fingerprint(network[name].cells):
                raise InvalidValueError(
                    f"the links of layer {name!r} are not those that the recorded updates make: they were changed or "
                    "loaded while they were recorded; restore the model first, then continue with record(..., "
                    "resume=True), or record into another directory"
                )
