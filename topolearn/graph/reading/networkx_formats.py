"""GML and GraphML, read by networkx, which reads what igraph, Gephi and yEd write."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from topolearn.graph.reading.content import Column, Content, Declared, Options, joined, numbers
from topolearn.graph.reading.text import Text

_GRAPH = re.compile(r"(^|\s)graph\s*\[", re.MULTILINE)


def read_gml(text: Text, options: Options) -> Content:
    """Return the content of a GML file; nodes are called by ``label``, else ``name``, else ``id``."""
    import networkx as nx

    whole = text.whole.decode()
    start = _GRAPH.search(whole)
    if start is None:
        options.refuse("is not GML: nothing in it begins with 'graph ['")
    # Repeated links are counted here, and not refused or merged there.
    body = re.sub(r"\bmultigraph\s+[01]\b", "", whole[start.end() :], count=1)
    graph = nx.parse_gml(f"graph [\n  multigraph 1\n{body}", label=None)
    return _content(graph, options, format="GML", named_by=("label", "name"))


def read_graphml(data: bytes, options: Options) -> Content:
    """Return the content of a GraphML file; nodes are called by ``name``, else ``label``, else ``id``."""
    import networkx as nx

    graph = nx.read_graphml(io.BytesIO(data), force_multigraph=True)
    plain = {str(i): i for i in range(len(graph))}
    if set(graph) == set(plain):  # ids are text in the file
        ordered = nx.MultiDiGraph() if graph.is_directed() else nx.MultiGraph()
        ordered.add_nodes_from((i, graph.nodes[str(i)]) for i in range(len(graph)))
        ordered.add_edges_from((plain[a], plain[b], data) for a, b, data in graph.edges(data=True))
        graph = ordered
    return _content(graph, options, format="GraphML", named_by=("name", "label"))


def _content(graph: Any, options: Options, *, format: str, named_by: Sequence[str]) -> Content:
    """Return the content of a networkx graph with all its links."""
    nodes = list(graph)
    if len(nodes) < 2:
        options.refuse(f"has {len(nodes)} nodes: a graph has two or more")
    place = {node: i for i, node in enumerate(nodes)}
    ends = np.array([(place[a], place[b]) for a, b in graph.edges()], dtype=np.int64).reshape(-1, 2)
    of_links = {key for _, _, data in graph.edges(data=True) for key in data} - {"id"}
    weights = None
    if options.weight is not None:
        key = "weight" if options.weight is True else options.weight
        values = [data.get(key) for _, _, data in graph.edges(data=True)]
        if not all(isinstance(value, (int, float)) for value in values):
            options.ask(
                f"has no number weight={key!r} at each link: its links have {joined(sorted(of_links)) or 'none'}"
            )
        weights, of_links = np.array(values, dtype=np.float64), of_links - {key}
    sides, attribute = _sides(graph, nodes, options)
    of_nodes = {key for _, data in graph.nodes(data=True) for key in data} - {*named_by, attribute, "id"}
    ignored = [
        f"{kind} {joined(sorted(map(str, keys)))}"
        for kind, keys in (("of links", of_links), ("of nodes", of_nodes))
        if keys
    ]
    common: dict[str, Any] = {"format": format, "complete": True, "weights": weights}
    declared = Declared(directed=graph.is_directed(), text="directed" if graph.is_directed() else "undirected")
    if sides is None or options.sides == 1:
        if options.sides == 2 and not graph.is_directed():
            options.ask(
                "says nothing of two kinds of nodes, and its links have no direction: pass sides=1, or give each node "
                "'bipartite' 0 or 1, or 'type' false or true"
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
    decided = [f"sides by {attribute!r}", *decided]
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
    """Return the inputs and the outputs of links that join the two sides, and what is said about their names."""
    inside = sides[ends[:, 0]] == sides[ends[:, 1]]
    if inside.any():
        a, b = ends[inside][0]
        options.ask(f"links {nodes[a]!r} and {nodes[b]!r}, which have the same {key!r}: pass sides=1, or correct it")
    ends = np.take_along_axis(ends, sides[ends].argsort(axis=1), axis=1)
    plain = nodes == list(range(len(nodes))) and (np.diff(sides) >= 0).all()  # numbered as our own are
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
    """Return what nodes are called, None where they have no names but ids, and what is said about it."""
    for key in named_by:
        given = [graph.nodes[node].get(key) for node in nodes]
        names = [str(name) for name in given if name is not None and str(name)]
        if len(set(names)) == len(nodes):
            return names, [] if key == named_by[0] else [f"names by {key!r}"]
    keys = [key for key in named_by if any(key in graph.nodes[node] for node in nodes)]
    return None, [f"names by id, as {keys[0]!r} is not of each node or not different"] if keys else []


def _sides(graph: Any, nodes: list[Any], options: Options) -> tuple[np.ndarray | None, str | None]:
    """Return the side of each node, 0 for inputs, and the attribute that says it; None of one kind."""
    for key in ("bipartite", "type"):
        values = [graph.nodes[node].get(key) for node in nodes]
        known = [value in (0, 1, "0", "1", "true", "false") for value in values]
        if all(known) and len(set(map(str, values))) == 2:
            return np.array([value in (1, "1", "true") for value in values], dtype=np.int64), key
        if key == "bipartite" and any(known) and options.sides != 1:
            missing = nodes[known.index(False)] if not all(known) else nodes[0]
            options.ask(f"has a node {missing!r} without its 'bipartite': give it 0 or 1, or pass sides=1")
    return None, None
