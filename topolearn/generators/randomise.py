"""The random null model: every graph with the same degrees is equally likely."""

import math
from typing import TypeVar

import numpy as np

from topolearn.checks import random_generator
from topolearn.errors import InvalidTypeError
from topolearn.generators.randomise_one_mode import random_one_mode
from topolearn.generators.swaps import MOVES, SHARE, Pair, may_swap
from topolearn.graph import BipartiteGraph, Graph

T = TypeVar("T", BipartiteGraph, Graph)


def randomise(graph: T, *, seed: int | np.random.Generator | None = None) -> T:
    r"""Return a random graph in which every neuron keeps its number of links.

    Rounds of swaps: all links are paired at random, each pair proposes with probability 0.9 to exchange its two ends,
    :math:`(i, o), (j, p) \to (i, p), (j, o)`, and all proposals are carried out at once, save those in which one of the
    four cells is a cell of another pair's proposal or of a link not its own. The same pairs would lead back with the
    same probability, so that all graphs with these degrees, which swaps connect, are equally likely in the limit. For
    a graph of density d the number of rounds is :math:`20 / (0.9 (1 - d)^2 e^{-3.6 d})`, rounded up: 23 for sparse
    layers, in which ten swaps are made for each link, and each link moves about 20 times. Of
    a graph with more links than not, the missing ones are swapped, which comes to the same. One-mode graphs: likewise,
    see `topolearn.generators.randomise_one_mode`.

    Parameters
    ----------
    graph : BipartiteGraph or Graph
        Any graph; names stay with their neurons.
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None draws a fresh one.

    Returns
    -------
    BipartiteGraph or Graph
        With the fan-in and fan-out of every neuron, or the degree of every node.

    Raises
    ------
    InvalidTypeError
        When `graph` is neither.

    References
    ----------
    Maslov, Sneppen (2002), "Specificity and stability in topology of protein networks"; Ryser (1957), "Combinatorial
    properties of matrices of zeros and ones", for the connection by swaps.

    Examples
    --------
    >>> from topolearn.generators import bipartite_small_world
    >>> lattice = bipartite_small_world(8, 4, 0.5, beta=0, seed=0)
    >>> random = randomise(lattice, seed=0)
    >>> random == lattice, random.fan_in.tolist(), random.fan_out.tolist()
    (False, [4, 4, 4, 4], [2, 2, 2, 2, 2, 2, 2, 2])
    """
    rng = random_generator(seed)
    if isinstance(graph, Graph):
        return random_one_mode(graph, rng)
    check_graph(graph)
    n_cells = graph.n_in * graph.n_out
    if 2 * graph.n_links <= n_cells:
        cells = _mixed(graph.cells, graph, rng)
    else:
        free = _mixed(np.setdiff1d(np.arange(n_cells), graph.cells, assume_unique=True), graph, rng)
        cells = np.setdiff1d(np.arange(n_cells), free, assume_unique=True)
    return with_cells(graph, cells)


def _mixed(cells: np.ndarray, graph: BipartiteGraph, rng: np.random.Generator) -> np.ndarray:
    """Return cells of the same degrees, after rounds of random swaps."""
    density = cells.size / (graph.n_in * graph.n_out)
    accepted = SHARE * (1 - density) ** 2 * math.exp(-4 * SHARE * density)
    cells = cells.copy()
    for _ in range(math.ceil(MOVES / accepted)):
        rng.shuffle(cells)
        n_pairs = int(rng.binomial(cells.size // 2, SHARE))
        old = cells[:n_pairs], cells[n_pairs : 2 * n_pairs]
        new = ends_swapped(*old, graph.n_in)
        allowed = may_swap(cells, old, new)
        for side in (0, 1):
            np.copyto(old[side], new[side], where=allowed)
    return cells


def ends_swapped(first: np.ndarray, second: np.ndarray, n_in: int) -> Pair:
    """Return the cells of pairs of links that have exchanged their inputs."""
    shift = second % n_in
    shift -= first % n_in
    return first + shift, second - shift


def check_graph(graph: BipartiteGraph) -> None:
    """Refuse what is not a graph."""
    if not isinstance(graph, BipartiteGraph):
        raise InvalidTypeError(
            f"graph must be a BipartiteGraph, not {type(graph).__name__}: make one with BipartiteGraph(adjacency)"
        )


def with_cells(graph: BipartiteGraph, cells: np.ndarray) -> BipartiteGraph:
    """Return the graph of other links between the same neurons."""
    return BipartiteGraph.from_cells(
        cells, graph.n_in, graph.n_out, input_names=graph.input_names, output_names=graph.output_names
    )
