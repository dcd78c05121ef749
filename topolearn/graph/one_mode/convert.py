"""Convert one-mode graphs from and to matrices, networkx and igraph. These functions are methods of `Graph`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph.one_mode.pairs import reject_repeated, symmetrised
from topolearn.graph.tensors import read_adjacency

if TYPE_CHECKING:
    import igraph
    import networkx as nx
    import torch

    from topolearn.graph.one_mode.graph import Graph


def from_adjacency(
    cls: type[Graph], adjacency: Any, *, names: Iterable[str] | None = None, symmetrise: bool = False
) -> Graph:
    """Make a one-mode graph from a symmetric matrix without links on its diagonal.

    Parameters
    ----------
    adjacency : array of shape (n_nodes, n_nodes)
        A numpy or scipy array or a torch tensor, read as by `BipartiteGraph`.
    names : sequence of str, optional
        One name for each node.
    symmetrise : bool
        Accept a matrix that is not symmetric, such as that of a directed network or a single triangle: a link in either
        direction becomes a link.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the matrix is not square, not symmetric or has self-loops; the message names an entry.

    Examples
    --------
    >>> from topolearn.graph import Graph
    >>> Graph.from_adjacency(np.array([[0, 1, 1], [0, 0, 0], [0, 1, 0]]), symmetrise=True).edges().tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    cells, n_in, n_out = read_adjacency(adjacency)
    if n_in != n_out:
        raise InvalidValueError(
            f"adjacency of shape ({n_out}, {n_in}) is not square: a one-mode graph needs a row and a column for each "
            "node; for two kinds of nodes, use BipartiteGraph(adjacency)"
        )
    rows = np.column_stack(np.divmod(cells, n_in))
    loops = rows[rows[:, 0] == rows[:, 1]]
    if loops.size:
        node = loops[0, 0]
        raise InvalidValueError(
            f"adjacency[{node}, {node}] links node {node} to itself: set the diagonal to 0, which has {len(loops):,} "
            f"{'self-loop' if len(loops) == 1 else 'self-loops'}"
        )
    back = rows[:, 1] * n_in + rows[:, 0]
    alone = ~np.isin(back, cells, assume_unique=True)
    if alone.any() and not symmetrise:
        row, column = rows[alone][0]
        raise InvalidValueError(
            f"adjacency[{row}, {column}] is a link but adjacency[{column}, {row}] is not: {alone.sum():,} of "
            f"{alone.size:,} entries make it asymmetric; pass symmetrise=True to make a link in either direction a link"
        )
    return cls(symmetrised(rows), n_in, names=names)


def to_torch(
    graph: Graph, device: torch.device | str | None = None, layout: Literal["mask", "csr"] = "mask"
) -> torch.Tensor:
    """Return the symmetric adjacency as a tensor of shape (n_nodes, n_nodes), as `BipartiteGraph.to_torch` does.

    Examples
    --------
    >>> from topolearn.graph import Graph
    >>> Graph([(0, 1)], 2).to_torch()
    tensor([[False,  True],
            [ True, False]])
    """
    from topolearn.graph.bipartite.graph import BipartiteGraph

    return BipartiteGraph(graph.to_scipy()).to_torch(device, layout)


def to_networkx(graph: Graph) -> nx.Graph:
    """Return a networkx graph with nodes 0..n_nodes-1, and the attribute ``name`` if the graph has names.

    Examples
    --------
    >>> from topolearn.graph import Graph
    >>> list(Graph([(2, 0)], 3).to_networkx().edges)
    [(0, 2)]
    """
    import networkx as nx

    result = nx.Graph()
    result.add_nodes_from(range(graph.n_nodes))
    nx.set_node_attributes(result, dict(enumerate(graph.names or ())), "name")
    result.add_edges_from(graph.edges().tolist())
    return result


def from_networkx(cls: type[Graph], graph: nx.Graph, *, symmetrise: bool = False) -> Graph:
    """Make a one-mode graph from a networkx graph; nodes keep their order.

    They are named by the attribute ``name`` if all have one, or else by their labels, unless these are 0, 1, 2, ...

    Parameters
    ----------
    graph : networkx.Graph
    symmetrise : bool
        Accept a directed graph: a link in either direction becomes a link.

    Raises
    ------
    InvalidTypeError
        When the graph has another type, or is directed and `symmetrise` is False.
    InvalidValueError
        When there are self-loops, parallel links, or repeated names.

    Examples
    --------
    >>> import networkx as nx
    >>> from topolearn.graph import Graph
    >>> follows = nx.DiGraph([("ann", "bob"), ("bob", "ann"), ("cat", "bob")])
    >>> graph = Graph.from_networkx(follows, symmetrise=True)
    >>> graph.names, graph.n_links
    (('ann', 'bob', 'cat'), 2)
    """
    import networkx as nx

    if not isinstance(graph, nx.Graph):
        raise InvalidTypeError(f"graph is a {type(graph).__name__}: pass a networkx.Graph")
    _reject_directed(graph.is_directed() and not symmetrise, "networkx")
    labels = list(graph)
    number = {label: i for i, label in enumerate(labels)}
    edges: Any = [(number[a], number[b]) for a, b in graph.edges()]
    if graph.is_multigraph():
        cure = "pass nx.DiGraph(graph), which has" if graph.is_directed() else "pass nx.Graph(graph), which has"
        reject_repeated(edges, labels, f"{cure} each link once", directed=graph.is_directed())
    given = [data.get("name") for _, data in graph.nodes(data=True)]
    names = None if labels == list(range(len(labels))) else [str(label) for label in labels]
    if given and all(name is not None for name in given):
        names = [str(name) for name in given]
    return cls(symmetrised(edges) if graph.is_directed() else edges, len(labels), names=names)


def to_igraph(graph: Graph) -> igraph.Graph:
    """Return an igraph graph, with the vertex attribute ``name`` if the graph has names.

    Examples
    --------
    >>> from topolearn.graph import Graph
    >>> Graph([(2, 0)], 3).to_igraph().degree()
    [1, 0, 1]
    """
    import igraph

    attributes = {} if graph.names is None else {"name": list(graph.names)}
    return igraph.Graph(n=graph.n_nodes, edges=graph.edges(), vertex_attrs=attributes)


def from_igraph(cls: type[Graph], graph: igraph.Graph, *, symmetrise: bool = False) -> Graph:
    """Make a one-mode graph from an igraph graph; nodes keep their order and take names from the attribute ``name``.

    Parameters
    ----------
    graph : igraph.Graph
    symmetrise : bool
        Accept a directed graph: a link in either direction becomes a link.

    Raises
    ------
    InvalidTypeError
        When the graph has another type, or is directed and `symmetrise` is False.
    InvalidValueError
        When there are self-loops, parallel links, or repeated names, or only some nodes have one.

    Examples
    --------
    >>> import igraph
    >>> from topolearn.graph import Graph
    >>> Graph.from_igraph(igraph.Graph.Ring(5))
    Graph(5 nodes, 5 links, density 50.00%, degrees 2)
    """
    import igraph

    if not isinstance(graph, igraph.Graph):
        raise InvalidTypeError(f"graph is a {type(graph).__name__}: pass an igraph.Graph")
    _reject_directed(graph.is_directed() and not symmetrise, "igraph")
    edges: Any = graph.get_edgelist()
    given = graph.vs["name"] if "name" in graph.vs.attributes() else None
    if graph.has_multiple():
        cure = "call graph.simplify(), which keeps each link once"
        reject_repeated(edges, given or range(graph.vcount()), cure, directed=graph.is_directed())
    return cls(symmetrised(edges) if graph.is_directed() else edges, graph.vcount(), names=_all_or_none(given))


def _all_or_none(given: Sequence[Any] | None) -> list[str] | None:
    """Return the names of all nodes, or None if no node has one."""
    if given is None or all(name is None for name in given):
        return None
    if None in given:
        raise InvalidValueError(
            f"node {list(given).index(None)} has no name, but others have one: name all of them or none"
        )
    return [str(name) for name in given]


def _reject_directed(directed: bool, library: str) -> None:
    if directed:
        raise InvalidTypeError(
            f"the {library} graph is directed, but a Graph is undirected: use Graph.from_{library}(graph, "
            "symmetrise=True) to make a link in either direction a link"
        )
