"""Orders of neurons in plots."""

from collections.abc import Callable, Sequence
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics import communities
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph, Graph
from topolearn.registry import Registry

MOST_NODES = 50_000  # the largest graph in which communities are searched for a plot
Places = tuple[NDArray[np.int64], NDArray[np.int64]]
OneSide = Sequence[int | str] | NDArray[np.int64] | None
Order = str | OneSide | tuple[OneSide, OneSide]


def by_degree(g: BipartiteGraph | Graph) -> Places:
    """Return the inputs and the outputs by decreasing degree; the nodes of a one-mode graph twice."""
    if isinstance(g, Graph):
        nodes = np.argsort(-g.degrees, kind="stable")
        return nodes, nodes
    return np.argsort(-g.fan_out, kind="stable"), np.argsort(-g.fan_in, kind="stable")


def by_community(g: BipartiteGraph | Graph) -> Places:
    """Return the inputs and the outputs by community, the largest first, and by degree within each."""
    n_nodes = sum(g.shape) if isinstance(g, BipartiteGraph) else g.n_nodes
    if n_nodes > MOST_NODES:
        raise InvalidValueError(
            f"order='community' with {n_nodes:,} neurons would take minutes (limit {MOST_NODES:,}): use "
            "order='degree', or pass an order, order=(inputs, outputs)"
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


def ordered(g: BipartiteGraph | Graph, order: Order) -> BipartiteGraph | Graph:
    """Return the graph with its neurons or nodes, and their names, in another order.

    Parameters
    ----------
    g : BipartiteGraph or Graph
    order : str, or sequences
        One of `ORDERS`, or all nodes by number or name; for a graph with two sides a pair (inputs, outputs), one of
        which may be None for the numeric order.

    Raises
    ------
    UnknownNameError, InvalidTypeError, InvalidValueError
        For an unknown order, or one that does not contain every neuron once, by number or name.

    Examples
    --------
    >>> ordered(BipartiteGraph(np.array([[0, 1, 0], [0, 1, 1]])), "degree").to_scipy().toarray().astype(int)
    array([[1, 1, 0],
           [1, 0, 0]])
    >>> ordered(BipartiteGraph(np.eye(2), input_names=["a", "b"]), (["b", "a"], None)).input_names
    ('b', 'a')
    """
    if isinstance(g, Graph):
        nodes = ORDERS[order](g)[0] if isinstance(order, str) else _places(order, g.n_nodes, g.names, "node")
        return Graph(np.argsort(nodes)[g.edges()], g.n_nodes, names=_in_order(g.names, nodes))
    if isinstance(order, str):
        inputs, outputs = ORDERS[order](g)
    else:
        if not isinstance(order, tuple) or len(order) != 2:
            raise InvalidValueError(
                f"order={order!r} must be one of {', '.join(ORDERS)}, or a pair (inputs, outputs), such as "
                "order=(None, outputs)"
            )
        inputs = _places(order[0], g.n_in, g.input_names, "input")
        outputs = _places(order[1], g.n_out, g.output_names, "output")
    names = {"input_names": _in_order(g.input_names, inputs), "output_names": _in_order(g.output_names, outputs)}
    return BipartiteGraph(g.to_scipy()[outputs][:, inputs], **names)


def _places(order: Any, n: int, names: Sequence[str] | None, what: str) -> NDArray[np.int64]:
    """Return an order as node numbers, each of which must occur once."""
    if order is None:
        return np.arange(n)
    known = {name: place for place, name in enumerate(names or ())}
    try:
        places = [known.get(each, -1) if isinstance(each, str) else index(each) for each in order]
    except TypeError:
        raise InvalidTypeError(f"order={order!r} must be a sequence of {what}s, each by its number or name") from None
    if sorted(places) != list(range(n)):
        raise InvalidValueError(
            f"order has {len(places)} {what}s, but must contain each of the {n} once, by number or name"
        )
    return np.array(places, dtype=np.int64)


def _in_order(names: Sequence[str] | None, places: NDArray[np.int64]) -> list[str] | None:
    return None if names is None else [names[place] for place in places]
