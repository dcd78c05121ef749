"""How a topology changes: the interfaces of updates and histories, and the share of cells explored so far (ITOP)."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from topolearn.graph import BipartiteGraph


class LayerEvents(Protocol):
    """The changes that an update made to a layer."""

    @property
    def cells(self) -> Mapping[str, np.ndarray]:
        """The decayed, removed, percolated and regrown links, each as an array of cells ``output * n_in + input``."""


class TopologyHistory(Protocol):
    """The graphs before the first update, and the updates in chronological order."""

    @property
    def initial(self) -> Mapping[str, BipartiteGraph]:
        """The graph of each layer before the first update."""

    def __iter__(self) -> Iterator[Mapping[str, LayerEvents]]:
        """Yield each update."""


def itop_rate(history: TopologyHistory) -> dict[str, float]:
    """Return the share of each layer's cells that have been a link at any time (in-time over-parameterisation).

    Parameters
    ----------
    history : History, or any object with ``initial`` that yields updates
        Such as ``run.history``.

    References
    ----------
    Liu et al. (2021), "Do we actually need dense over-parameterization?", ICML.
    """
    initial = history.initial
    ever = {name: graph.cells for name, graph in initial.items()}
    for update in history:
        ever |= {name: np.union1d(ever[name], events.cells["regrown"]) for name, events in update.items()}
    return {name: len(cells) / (initial[name].n_in * initial[name].n_out) for name, cells in ever.items()}
