"""The order in which neurons are drawn."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics import communities
from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph, Graph
from topolearn.registry import Registry

MOST_NODES = 50_000  # among which communities are sought for a picture
Places = tuple[NDArray[np.int64], NDArray[np.int64]]


def by_degree(g: BipartiteGraph | Graph) -> Places:
    """Return the inputs and the outputs, those with most links first; the nodes of a one-mode graph twice."""
    if isinstance(g, Graph):
        nodes = np.argsort(-g.degrees, kind="stable")
        return nodes, nodes
    return np.argsort(-g.fan_out, kind="stable"), np.argsort(-g.fan_in, kind="stable")


def by_community(g: BipartiteGraph | Graph) -> Places:
    """Return the inputs and the outputs, community by community, the largest first, by degree within each."""
    n_nodes = sum(g.shape) if isinstance(g, BipartiteGraph) else g.n_nodes
    if n_nodes > MOST_NODES:
        raise InvalidValueError(
            f"order='community' of {n_nodes:,} neurons would take minutes (it is for up to {MOST_NODES:,}): use "
            "order='degree', or draw a graph in an order of your own, BipartiteGraph(g.to_scipy()[outputs][:, inputs])"
        )
    labels = communities(g)
    rank = np.argsort(np.argsort(-np.bincount(labels), kind="stable"))[labels]
    if isinstance(g, Graph):
        nodes = np.lexsort((-g.degrees, rank))
        return nodes, nodes
    inputs, outputs = rank[: g.n_in], rank[g.n_in :]
    return np.lexsort((-g.fan_out, inputs)), np.lexsort((-g.fan_in, outputs))


ORDERS: Registry[Callable[[BipartiteGraph | Graph], Places]] = Registry(
    "order of neurons", {"degree": by_degree, "community": by_community}
)


def ordered(g: BipartiteGraph | Graph, order: str) -> BipartiteGraph | Graph:
    """Return the graph with its neurons, or nodes, in another order.

    Examples
    --------
    >>> ordered(BipartiteGraph(np.array([[0, 1, 0], [0, 1, 1]])), "degree").to_scipy().toarray().astype(int)
    array([[1, 1, 0],
           [1, 0, 0]])
    """
    inputs, outputs = ORDERS[order](g)
    if isinstance(g, Graph):
        return Graph(np.argsort(inputs)[g.edges()], g.n_nodes)
    return BipartiteGraph(g.to_scipy()[outputs][:, inputs])
