"""The random null models of one-mode graphs: all graphs with the same degrees, or only the connected ones."""

import math
import warnings
from typing import Any

import numpy as np

from topolearn.checks import random_generator
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators.swaps import MOVES, SHARE, Pair, may_swap
from topolearn.graph import Graph, as_graph
from topolearn.sampling.igraph_random import igraph_draws_from


def random_one_mode(graph: Graph, rng: np.random.Generator) -> Graph:
    r"""Return a random graph in which every node keeps its number of links; see `randomise`, which calls this.

    The rounds of swaps are the same as for layers, except that a pair of links :math:`(a, b), (c, d)` proposes one of
    two exchanges, :math:`(a, d), (c, b)` or :math:`(a, c), (b, d)`, with equal probability, and never makes a
    self-loop.

    References
    ----------
    Maslov, Sneppen (2002), "Specificity and stability in topology of protein networks"; Fosdick et al. (2018),
    "Configuring random graph models with fixed degree sequences", SIAM Review 60, for the proof of equal probability.

    Examples
    --------
    >>> ring = Graph([(i, (i + 1) % 8) for i in range(8)], 8)
    >>> random_one_mode(ring, np.random.default_rng(0)).degrees
    array([2, 2, 2, 2, 2, 2, 2, 2])
    """
    if 2 * graph.n_links <= graph.n_cells:
        edges = _mixed(graph.edges(), graph.n_nodes, rng)
    else:  # swap the missing links, which are fewer
        free = np.setdiff1d(np.arange(graph.n_cells), graph.cells, assume_unique=True)
        mixed = Graph(_mixed(graph.edges(free), graph.n_nodes, rng), graph.n_nodes)
        edges = graph.edges(np.setdiff1d(np.arange(graph.n_cells), mixed.cells, assume_unique=True))
    return Graph(edges, graph.n_nodes, names=graph.names)


def randomise_connected(graph: Any, *, seed: int | np.random.Generator | None = None) -> Graph:
    """Return a random connected graph in which every node keeps its number of links, drawn with igraph.

    Parameters
    ----------
    graph : Graph, or convertible to one
        A connected graph; names stay with their nodes.
    seed : int, numpy.random.Generator or None

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `graph` is not a graph of one kind of node, or not connected.

    References
    ----------
    Viger, Latapy (2005), "Efficient and simple generation of random simple connected graphs with prescribed degree
    sequence", COCOON.

    Examples
    --------
    >>> import networkx as nx
    >>> karate = Graph.from_networkx(nx.karate_club_graph())
    >>> random = randomise_connected(karate, seed=0)
    >>> random == karate, (random.degrees == karate.degrees).all().item()
    (False, True)
    """
    import igraph

    read = as_graph(graph, sides=1)
    if not isinstance(read, Graph):
        raise InvalidTypeError(f"graph must be a Graph, not a {type(read).__name__}: use randomise for other graphs")
    if not read.to_igraph().is_connected():
        raise InvalidValueError(f"{read!r} is not connected: use randomise, or take its largest component")
    with igraph_draws_from(random_generator(seed)), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Cannot shuffle graph", RuntimeWarning
        )  # raised if no other graph has these degrees
        drawn = igraph.Graph.Degree_Sequence(read.degrees.tolist(), method="vl")
    return Graph(drawn.get_edgelist(), read.n_nodes, names=read.names)


def _mixed(edges: np.ndarray, n_nodes: int, rng: np.random.Generator) -> np.ndarray:
    """Return pairs with the same degrees, after rounds of random swaps."""
    density = len(edges) / (n_nodes * (n_nodes - 1) // 2)
    accepted = SHARE * (1 - density) ** 2 * math.exp(-4 * SHARE * density)
    keys = keys_of(edges, n_nodes)
    for _ in range(math.ceil(MOVES / accepted)):
        rng.shuffle(keys)
        n_pairs = int(rng.binomial(keys.size // 2, SHARE))
        old = keys[:n_pairs], keys[n_pairs : 2 * n_pairs]
        new, loop = exchanged(*old, n_nodes, rng.random(n_pairs) < 0.5)
        allowed = may_swap(keys, old, new) & ~loop
        for side in (0, 1):
            np.copyto(old[side], new[side], where=allowed)
    return np.column_stack(np.divmod(keys, n_nodes))


def keys_of(edges: np.ndarray, n_nodes: int) -> np.ndarray:
    """Return pairs of nodes as integer keys, ``smaller * n_nodes + larger``."""
    return np.minimum(edges[:, 0], edges[:, 1]) * n_nodes + np.maximum(edges[:, 0], edges[:, 1])


def exchanged(first: np.ndarray, second: np.ndarray, n_nodes: int, crossed: np.ndarray) -> tuple[Pair, np.ndarray]:
    """Return pairs of links after one of their two exchanges, and which of these make a self-loop."""
    (a, b), (c, d) = np.divmod(first, n_nodes), np.divmod(second, n_nodes)
    c, d = np.where(crossed, d, c), np.where(crossed, c, d)
    new = keys_of(np.column_stack([a, d]), n_nodes), keys_of(np.column_stack([c, b]), n_nodes)
    return new, (a == d) | (c == b)
