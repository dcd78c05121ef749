"""How a topology moves: overlap of removed and regrown links, and links explored so far (ITOP)."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from topolearn.graph import BipartiteGraph


class LayerEvents(Protocol):
    """What an update did to a layer."""

    @property
    def cells(self) -> Mapping[str, np.ndarray]:
        """For each of decayed, removed, percolated and regrown, its links as cells, ``output * n_in + input``."""


class TopologyHistory(Protocol):
    """The graphs before the first update, and the updates in order."""

    @property
    def initial(self) -> Mapping[str, BipartiteGraph]:
        """The graph of each layer before the first update."""

    def __iter__(self) -> Iterator[Mapping[str, LayerEvents]]:
        """Yield each update."""


def overlap(removed: np.ndarray, regrown: np.ndarray) -> float:
    r"""Return the share of regrown links that had just been removed, :math:`|\hat A \cap A^*| / |A^*|`.

    Parameters
    ----------
    removed, regrown : array of int, shape (k, 2) or (k,)
        Links as rows (input, output), or both as cells, each once; percolated links count as removed.

    Returns
    -------
    float
        In [0, 1]; 0 when no link regrew. At theta (the paper: close to 1) and above, the topology is in an
        epitopological local minimum (ELM, definition 1 of Zhang et al.).

    Examples
    --------
    >>> import numpy as np
    >>> overlap(np.array([[0, 1], [2, 3]]), np.array([[2, 3], [4, 5]]))
    0.5
    """
    if not len(regrown) or not len(removed):
        return 0.0
    cells = [np.asarray(links) for links in (removed, regrown)]
    if cells[0].ndim == 2:
        n = 1 + max(int(links.max()) for links in cells)
        cells = [links @ [n, 1] for links in cells]
    return float(np.isin(cells[1], cells[0], assume_unique=True).mean())


def itop_rate(history: TopologyHistory) -> dict[str, float]:
    """Return, for each layer, the share of cells that were a link at any time (in-time over-parameterisation).

    Parameters
    ----------
    history : History, or anything with ``initial`` that yields updates
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
