"""The order in which neurons are drawn."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics import communities
from topolearn.graph import BipartiteGraph
from topolearn.registry import Registry

Places = tuple[NDArray[np.int64], NDArray[np.int64]]


def by_degree(g: BipartiteGraph) -> Places:
    """Return the inputs and the outputs, those with most links first."""
    return np.argsort(-g.fan_out, kind="stable"), np.argsort(-g.fan_in, kind="stable")


def by_community(g: BipartiteGraph) -> Places:
    """Return the inputs and the outputs, community by community, the largest first, by degree within each."""
    labels = communities(g)
    rank = np.argsort(np.argsort(-np.bincount(labels), kind="stable"))[labels]
    inputs, outputs = rank[: g.n_in], rank[g.n_in :]
    return np.lexsort((-g.fan_out, inputs)), np.lexsort((-g.fan_in, outputs))


ORDERS: Registry[Callable[[BipartiteGraph], Places]] = Registry(
    "order of neurons", {"degree": by_degree, "community": by_community}
)


def ordered(g: BipartiteGraph, order: str) -> BipartiteGraph:
    """Return the graph with its neurons in another order.

    Examples
    --------
    >>> ordered(BipartiteGraph(np.array([[0, 1, 0], [0, 1, 1]])), "degree").to_scipy().toarray().astype(int)
    array([[1, 1, 0],
           [1, 0, 0]])
    """
    inputs, outputs = ORDERS[order](g)
    return BipartiteGraph(g.to_scipy()[outputs][:, inputs])
