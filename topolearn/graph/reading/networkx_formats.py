"""Read GML and GraphML with networkx, which understands the files of igraph, Gephi and yEd."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from topolearn.graph.reading.content import Column, Content, Declared, Options, counted, joined, numbers
from topolearn.graph.reading.text import Text

_GRAPH = re.compile(r"(^|\s)graph\s*\[", re.MULTILINE)


def read_gml(text: Text, options: Options) -> Content:
    """Return the content of a GML file; nodes are named by ``label``, else by ``name``, else by ``id``."""
    import networkx as nx

    whole = text.whole.decode()
    start = _GRAPH.search(whole)
    if start is None:
        options.reject("is not GML: it has no 'graph [' block")
    # As a multigraph, so that networkx neither rejects nor merges repeated links: they are counted later.
    body = re.sub(r"\bmultigraph\s+[01]\b", "", whole[start.end() :], count=1)
    graph = nx.parse_gml(f"graph [\n  multigraph 1\n{body}", label=None)
    return _content(graph, options, format="GML", named_by=("label", "name"))


def read_graphml(data: bytes, options: Options) -> Content:
    """Return the content of a GraphML file; nodes are named by ``name``, else by ``label``, else by ``id``."""
    import networkx as nx

    graph = nx.read_graphml(io.BytesIO(data), force_multigraph=True)
    plain = {str(i): i for i in range(len(graph))}
    if set(graph) == set(plain):  # ids are strings in the file
        ordered = nx.MultiDiGraph() if graph.is_directed() else nx.MultiGraph()
        ordered.add_nodes_from((i, graph.nodes[str(i)]) for i in range(len(graph)))
        ordered.add_edges_from((plain[a], plain[b], data) for a, b, data in graph.edges(data=True))
        graph = ordered
    return _content(graph, options, format="GraphML", named_by=("name", "label"))


def _content(graph: Any, options: Options, *, format: str, named_by: Sequence[str]) -> Content:
    """Return the content of a networkx graph, with all its links."""
    nodes = list(graph)
    if len(nodes) < 2:
        options.reject(f"has {counted(len(nodes), 'node')[0] if nodes else 'no nodes'}: a graph needs at least two")
    place = {node: i for i, node in enumerate(nodes)}
    ends = np.array([(place[a], place[b]) for a, b in graph.edges()], dtype=np.int64).reshape(-1, 2)
    of_links = {key for _, _, data in graph.edges(data=True) for key in data} - {"id"}
    weights = None
    if options.weight is not None:
        key = "weight" if options.weight is True else options.weight
        values = [data.get(key) for _, _, data in graph.edges(data=True)]
        if not all(isinstance(value, (int, float)) for value in values):
            options.ask(
                f"does not have a number weight={key!r} on every link: the attributes of its links are "
                + (joined(sorted(of_links)) or "none")
            )
        weights, of_links = np.array(values, dtype=np.float64), of_links - {key}
    sides, attribute = _sides(graph, nodes, options)
    of_nodes = {key for _, data in graph.nodes(data=True) for key in data} - {*named_by, attribute, "id"}
    ignored = [
        f"{kind} {joined(sorted(map(str, keys)))}"
        for kind, keys in (("link attributes", of_links), ("node attributes", of_nodes))
        if keys
    ]
    common: dict[str, Any] = {"format": format, "complete": True, "weights": weights}
    declared = Declared(directed=graph.is_directed(), text="directed" if graph.is_directed() else "undirected")
    if sides is None or options.sides == 1:
        if options.sides == 2 and not graph.is_directed():
            options.ask(
                "does not mark two kinds of nodes, and its links have no direction: pass sides=1, or give every node a "
                "'bipartite' of 0 or 1, or a 'type' of false or true"
            )
        names, decided = _names(graph, nodes, named_by)
        plain = nodes == list(range(len(nodes)))
        called: Any = numbers(len(nodes)) if names is None and plain else names or [str(node) for node in nodes]
        column = [Column(ends[:, i], called) for i in (0, 1)]
        return Content(
            source=column[0], target=column[1], same_nodes=True, sides=1, declared=declared, ignored=ignored,
            decided=decided, **common,
        )  # fmt: skip
    columns, decided = _two_columns(graph, nodes, ends, sides, named_by, str(attribute), options)
    decided = [f"sides from {attribute!r}", *decided]
    return Content(
        source=columns[0], target=columns[1], sides=2, ignored=ignored, decided=decided, **common
    )  # fmt: skip


def _two_columns(
    graph: Any,
    nodes: list[Any],
    ends: np.ndarray,
    sides: np.ndarray,
    named_by: Sequence[str],
    key: str,
    options: Options,
) -> tuple[list[Column], list[str]]:
    """Return the inputs and outputs of links between the two sides, and notes about their names."""
    inside = sides[ends[:, 0]] == sides[ends[:, 1]]
    if inside.any():
        a, b = ends[inside][0]
        options.ask(
            f"links {nodes[a]!r} and {nodes[b]!r}, which have the same {key!r}: pass sides=1, or correct the file"
        )
    ends = np.take_along_axis(ends, sides[ends].argsort(axis=1), axis=1)
    plain = nodes == list(range(len(nodes))) and (np.diff(sides) >= 0).all()  # numbered as in our own files
    place = np.empty(len(nodes), dtype=np.int64)
    columns, decided = [], []
    for side in (0, 1):
        members = np.flatnonzero(sides == side)
        place[members] = np.arange(members.size)
        mine = [nodes[i] for i in members]
        names, said = _names(graph, mine, named_by)
        values: Any = numbers(members.size) if names is None and plain else names or [str(node) for node in mine]
        columns.append(Column(place[ends[:, side]], values))
        decided += said
    return columns, list(dict.fromkeys(decided))


def _names(graph: Any, nodes: list[Any], named_by: Sequence[str]) -> tuple[list[str] | None, list[str]]:
    """Return the names of nodes, None if they have only ids, and notes about them."""
    for key in named_by:
        given = [graph.nodes[node].get(key) for node in nodes]
        names = [str(name) for name in given if name is not None and str(name)]
        if len(set(names)) == len(nodes):
            return names, [] if key == named_by[0] else [f"names from {key!r}"]
    keys = [key for key in named_by if any(key in graph.nodes[node] for node in nodes)]
    return None, [f"names from ids, as {keys[0]!r} is missing from some nodes or not unique"] if keys else []


def _sides(graph: Any, nodes: list[Any], options: Options) -> tuple[np.ndarray | None, str | None]:
    """Return the side of each node, 0 for inputs, and the attribute that holds it; None for one kind of node."""
    for key in ("bipartite", "type"):
        values = [graph.nodes[node].get(key) for node in nodes]
        known = [value in (0, 1, "0", "1", "true", "false") for value in values]
        if all(known) and len(set(map(str, values))) == 2:
            return np.array([value in (1, "1", "true") for value in values], dtype=np.int64), key
        if key == "bipartite" and any(known) and options.sides != 1:
            if all(known):
                options.ask(
                    "has the same 'bipartite' on all nodes: set 0 for inputs and 1 for outputs, or pass sides=1"
                )
            missing = nodes[known.index(False)]
            options.ask(f"has the node {missing!r} without a 'bipartite' of 0 or 1: set it, or pass sides=1")
    return None, None
