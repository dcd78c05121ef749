"""Convert graphs from and to networkx and igraph. These functions are methods of `BipartiteGraph`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph.checks import is_side

if TYPE_CHECKING:
    import igraph
    import networkx as nx

    from topolearn.graph.bipartite.graph import BipartiteGraph


def to_networkx(graph: BipartiteGraph) -> nx.Graph:
    """Return a networkx graph: inputs 0..n_in-1, then outputs, with ``bipartite`` (0, 1) and ``name``.

    Examples
    --------
    >>> from topolearn.graph import BipartiteGraph
    >>> list(BipartiteGraph(np.eye(2)).to_networkx().edges)
    [(0, 2), (1, 3)]
    """
    import networkx as nx

    result = nx.Graph()
    result.add_nodes_from(range(graph.n_in), bipartite=0)
    result.add_nodes_from(range(graph.n_in, graph.n_in + graph.n_out), bipartite=1)
    named = {i: name for i, name in enumerate(_all_names(graph)) if name is not None}
    nx.set_node_attributes(result, named, "name")
    result.add_edges_from(_pairs(graph))
    return result


def from_networkx(cls: type[BipartiteGraph], graph: nx.Graph) -> BipartiteGraph:
    """Make a graph from an undirected networkx graph with the attribute ``bipartite``, 0 for inputs.

    Neurons keep the order of the graph. They are named by the attribute ``name``, or else by their labels, unless the
    labels are integers that count the inputs from 0 and then the outputs.

    Raises
    ------
    InvalidTypeError
        When the graph has another type or is directed.
    InvalidValueError
        When a neuron has no side, two neurons of one side are linked, or a link appears twice.

    Examples
    --------
    >>> import networkx as nx
    >>> from topolearn.graph import BipartiteGraph
    >>> women = BipartiteGraph.from_networkx(nx.davis_southern_women_graph())
    >>> women.shape, women.n_links, women.input_names[0]
    ((14, 18), 89, 'Evelyn Jefferson')
    """
    import networkx as nx

    _reject_other(graph, nx.Graph, "a networkx.Graph")
    labels = list(graph)
    sides = [graph.nodes[label].get("bipartite") for label in labels]
    given = [graph.nodes[label].get("name") for label in labels]
    if set(labels) == set(range(len(labels))):  # labels define the order, not the insertion
        order = sorted(range(len(labels)), key=labels.__getitem__)
        labels, sides, given = ([column[i] for i in order] for column in (labels, sides, given))
    number = {label: i for i, label in enumerate(labels)}
    pairs = [(number[a], number[b]) for a, b in graph.edges()]
    default = labels == list(range(len(labels))) and sides == sorted(sides, key=str)
    return _from_labelled(cls, labels, sides, given, pairs, attribute="bipartite", labels_are_names=not default)


def to_igraph(graph: BipartiteGraph) -> igraph.Graph:
    """Return an igraph graph: inputs, then outputs, with ``type`` (False, True) and ``name``.

    Examples
    --------
    >>> from topolearn.graph import BipartiteGraph
    >>> BipartiteGraph(np.eye(2)).to_igraph().is_bipartite()
    True
    """
    import igraph

    attributes: dict[str, list[Any]] = {"type": [False] * graph.n_in + [True] * graph.n_out}
    if graph.input_names or graph.output_names:
        attributes["name"] = _all_names(graph)
    return igraph.Graph(n=graph.n_in + graph.n_out, edges=_pairs(graph), vertex_attrs=attributes)


def from_igraph(cls: type[BipartiteGraph], graph: igraph.Graph) -> BipartiteGraph:
    """Make a graph from an undirected igraph graph with the vertex attribute ``type``, False for inputs.

    Neurons keep the order of the vertices, and are named by the attribute ``name`` if it exists.

    Raises
    ------
    InvalidTypeError
        When the graph has another type or is directed.
    InvalidValueError
        When a neuron has no side, two neurons of one side are linked, or a link appears twice.

    Examples
    --------
    >>> import igraph
    >>> from topolearn.graph import BipartiteGraph
    >>> BipartiteGraph.from_igraph(igraph.Graph.Full_Bipartite(3, 2)).shape
    (2, 3)
    """
    import igraph

    _reject_other(graph, igraph.Graph, "an igraph.Graph")
    nothing = [None] * graph.vcount()
    sides, given = (graph.vs[name] if name in graph.vs.attributes() else nothing for name in ("type", "name"))
    labels = range(graph.vcount())
    return _from_labelled(cls, labels, sides, given, graph.get_edgelist(), attribute="type", labels_are_names=False)


def _all_names(graph: BipartiteGraph) -> list[str | None]:
    return [*(graph.input_names or [None] * graph.n_in), *(graph.output_names or [None] * graph.n_out)]


def _pairs(graph: BipartiteGraph) -> list[list[int]]:
    return (graph.edges() + np.array([0, graph.n_in])).tolist()


def _reject_other(graph: Any, kind: Any, name: str) -> None:
    if not isinstance(graph, kind):
        raise InvalidTypeError(f"graph is a {type(graph).__name__}: pass {name}")
    if graph.is_directed():
        raise InvalidTypeError("the graph is directed: pass graph.to_undirected()")


def _from_labelled(
    cls: type[BipartiteGraph],
    labels: Sequence[Any],
    sides: Sequence[Any],
    given: Sequence[Any],
    pairs: Sequence[tuple[int, int]],
    *,
    attribute: str,
    labels_are_names: bool,
) -> BipartiteGraph:
    """Make a graph from pairs of numbered vertices, each with a label, a side (0 or 1) and a name or None."""
    input_side, output_side = (False, True) if attribute == "type" else (0, 1)
    for label, side in zip(labels, sides, strict=True):
        if not is_side(side):
            raise InvalidValueError(
                f"node {label!r} has {attribute}={side!r}: set {input_side} for inputs, {output_side} for outputs"
            )
    side_of = np.array(sides, dtype=np.int64)
    members = [np.flatnonzero(side_of == side) for side in (0, 1)]
    place = np.empty_like(side_of)
    for member in members:
        place[member] = np.arange(member.size)

    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    ends = np.take_along_axis(ends, side_of[ends].argsort(axis=1), axis=1)
    _reject_pair(ends[side_of[ends[:, 0]] == side_of[ends[:, 1]]], labels, "joins two nodes of one side: remove it")
    _, first = np.unique(ends, axis=0, return_index=True)
    _reject_pair(np.delete(ends, first, axis=0), labels, "appears twice: merge repeated links first")

    names = [_side_names(member, labels, given, labels_are_names) for member in members]
    sizes = (member.size for member in members)
    return cls.from_edges(place[ends], *sizes, input_names=names[0], output_names=names[1])


def _reject_pair(ends: np.ndarray, labels: Sequence[Any], reason: str) -> None:
    if len(ends):
        a, b = ends[0]
        raise InvalidValueError(f"the link {labels[a]!r} - {labels[b]!r} {reason}")


def _side_names(
    member: np.ndarray, labels: Sequence[Any], given: Sequence[Any], labels_are_names: bool
) -> list[str] | None:
    named = [given[i] is not None for i in member]
    if any(named) and not all(named):
        unnamed = labels[member[named.index(False)]]
        raise InvalidValueError(f"{unnamed!r} has no name, but others on its side have one: name all of them or none")
    if any(named):
        return [str(given[i]) for i in member]
    return [str(labels[i]) for i in member] if labels_are_names else None
