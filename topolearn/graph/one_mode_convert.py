"""One-mode graphs in and out: matrices, networkx and igraph. `Graph` has these functions as its methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph.pairs import symmetrised
from topolearn.graph.tensors import read_adjacency

if TYPE_CHECKING:
    import igraph
    import networkx as nx
    import torch

    from topolearn.graph.one_mode import Graph


def from_adjacency(
    cls: type[Graph], adjacency: Any, *, names: Iterable[str] | None = None, symmetrise: bool = False
) -> Graph:
    """Make a one-mode graph from a square matrix that is symmetric and has no link on its diagonal.

    Parameters
    ----------
    adjacency : array of shape (n_nodes, n_nodes)
        A numpy or scipy array or a torch tensor, in which links are as of a `BipartiteGraph`.
    names : sequence of str, optional
        One name for each node.
    symmetrise : bool
        Take a matrix that is not symmetric, such as that of a directed network or one triangle: a link in either
        direction is a link.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is no such matrix; the message says where.

    Examples
    --------
    >>> from topolearn.graph import Graph
    >>> Graph.from_adjacency(np.array([[0, 1, 1], [0, 0, 0], [0, 1, 0]]), symmetrise=True).edges().tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    cells, n_in, n_out = read_adjacency(adjacency)
    if n_in != n_out:
        raise InvalidValueError(
            f"adjacency of shape ({n_out}, {n_in}) is not square: a network of one kind of node has a row and a column "
            "for each; of two kinds, use BipartiteGraph(adjacency)"
        )
    rows = np.column_stack(np.divmod(cells, n_in))
    loops = rows[rows[:, 0] == rows[:, 1]]
    if loops.size:
        node = loops[0, 0]
        raise InvalidValueError(
            f"adjacency[{node}, {node}] links node {node} to itself: set the diagonal, with {len(loops):,} self-loops, "
            "to 0"
        )
    back = rows[:, 1] * n_in + rows[:, 0]
    alone = ~np.isin(back, cells, assume_unique=True)
    if alone.any() and not symmetrise:
        row, column = rows[alone][0]
        raise InvalidValueError(
            f"adjacency[{row}, {column}] is a link and adjacency[{column}, {row}] is none, as for {alone.sum():,} of "
            f"{alone.size:,}: it is not symmetric; with symmetrise=True a link in either direction is a link"
        )
    return cls(symmetrised(rows), n_in, names=names)


def to_torch(
    graph: Graph, device: torch.device | str | None = None, layout: Literal["mask", "csr"] = "mask"
) -> torch.Tensor:
    """Return the symmetric adjacency as a tensor of shape (n_nodes, n_nodes); as of `BipartiteGraph.to_torch`.

    Examples
    --------
    >>> from topolearn.graph import Graph
    >>> Graph([(0, 1)], 2).to_torch()
    tensor([[False,  True],
            [ True, False]])
    """
    from topolearn.graph.bipartite import BipartiteGraph

    return BipartiteGraph(graph.to_scipy()).to_torch(device, layout)


def to_networkx(graph: Graph) -> nx.Graph:
    """Return a networkx graph of nodes 0..n_nodes-1, with the attribute ``name`` where there are names.

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
    """Make a one-mode graph from a networkx graph; nodes keep its order.

    They are named by the attribute ``name`` where all have one, else by their label, unless labels are 0, 1, 2, ...

    Parameters
    ----------
    graph : networkx.Graph
    symmetrise : bool
        Take a directed graph: a link in either direction is a link.

    Raises
    ------
    InvalidTypeError
        When it is another thing, or directed and `symmetrise` is not set.
    InvalidValueError
        When there are self-loops, parallel links, or nodes of one name.

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
    _refuse_directed(graph.is_directed() and not symmetrise, "networkx")
    labels = list(graph)
    number = {label: i for i, label in enumerate(labels)}
    edges: Any = [(number[a], number[b]) for a, b in graph.edges()]
    given = [data.get("name") for _, data in graph.nodes(data=True)]
    names = None if labels == list(range(len(labels))) else [str(label) for label in labels]
    if given and all(name is not None for name in given):
        names = [str(name) for name in given]
    return cls(symmetrised(edges) if graph.is_directed() else edges, len(labels), names=names)


def to_igraph(graph: Graph) -> igraph.Graph:
    """Return an igraph graph, with the vertex attribute ``name`` where there are names.

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
    """Make a one-mode graph from an igraph graph; nodes keep its order and are named by the attribute ``name``.

    Parameters
    ----------
    graph : igraph.Graph
    symmetrise : bool
        Take a directed graph: a link in either direction is a link.

    Raises
    ------
    InvalidTypeError
        When it is another thing, or directed and `symmetrise` is not set.
    InvalidValueError
        When there are self-loops, parallel links, or nodes of one name.

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
    _refuse_directed(graph.is_directed() and not symmetrise, "igraph")
    edges: Any = graph.get_edgelist()
    given = graph.vs["name"] if "name" in graph.vs.attributes() else None
    names = None if given is None else [str(name) for name in given]
    return cls(symmetrised(edges) if graph.is_directed() else edges, graph.vcount(), names=names)


def _refuse_directed(directed: bool, library: str) -> None:
    if directed:
        raise InvalidTypeError(
            f"the {library} graph is directed, and a Graph has no directions: Graph.from_{library}(graph, "
            "symmetrise=True) makes a link in either direction a link"
        )
