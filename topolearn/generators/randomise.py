"""The random null model: every graph with the same degrees is equally likely."""

import math
from typing import Any, TypeVar, overload

import numpy as np

from topolearn.checks import random_generator
from topolearn.errors import InvalidTypeError
from topolearn.generators.randomise_one_mode import random_one_mode
from topolearn.generators.swaps import MOVES, SHARE, Pair, may_swap
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork, as_graph

T = TypeVar("T", BipartiteGraph, Graph)


@overload
def randomise(graph: T, *, seed: int | np.random.Generator | None = None) -> T: ...
@overload
def randomise(graph: Any, *, seed: int | np.random.Generator | None = None) -> BipartiteGraph | Graph: ...
def randomise(graph: Any, *, seed: int | np.random.Generator | None = None) -> BipartiteGraph | Graph:
    r"""Return a random graph in which every neuron keeps its number of links.

    The links are swapped in rounds. In each round all links are paired at random, and each pair proposes with
    probability 0.9 to exchange ends, :math:`(i, o), (j, p) \to (i, p), (j, o)`. All proposals are carried out at once,
    except those that share one of their four cells with another proposal or with the link of another pair. The same
    pairs would reverse the round with the same probability, so all graphs with these degrees, which swaps connect, are
    equally likely in the limit. For a graph of density d, the number of rounds is
    :math:`20 / (0.9 (1 - d)^2 e^{-3.6 d})`, rounded up: 23 for sparse layers, which makes about ten swaps per link, so
    that each link moves about 20 times. If more than half of the cells are links, the missing ones are swapped instead,
    which is equivalent. For one-mode graphs, see `topolearn.generators.randomise_one_mode`.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one
        Any graph, as for `topolearn.graph.as_graph`; names stay with their neurons.
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None gives a new one on every call.

    Returns
    -------
    BipartiteGraph or Graph
        A graph with the same fan-in and fan-out of every neuron, or the same degree of every node.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `graph` is not a graph, or a whole network.

    References
    ----------
    Maslov, Sneppen (2002), "Specificity and stability in topology of protein networks"; Ryser (1957), "Combinatorial
    properties of matrices of zeros and ones", for the proof that swaps connect these graphs.

    Examples
    --------
    >>> from topolearn.generators import bipartite_small_world
    >>> lattice = bipartite_small_world(8, 4, 0.5, beta=0, seed=0)
    >>> random = randomise(lattice, seed=0)
    >>> random == lattice, random.fan_in.tolist(), random.fan_out.tolist()
    (False, [4, 4, 4, 4], [2, 2, 2, 2, 2, 2, 2, 2])
    """
    rng = random_generator(seed)
    read = single_graph(graph)
    if isinstance(read, Graph):
        return random_one_mode(read, rng)
    n_cells = read.n_in * read.n_out
    if 2 * read.n_links <= n_cells:
        cells = _mixed(read.cells, read, rng)
    else:
        free = _mixed(np.setdiff1d(np.arange(n_cells), read.cells, assume_unique=True), read, rng)
        cells = np.setdiff1d(np.arange(n_cells), free, assume_unique=True)
    return with_cells(read, cells)


def _mixed(cells: np.ndarray, graph: BipartiteGraph, rng: np.random.Generator) -> np.ndarray:
    """Return cells with the same degrees, after rounds of random swaps."""
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
    """Return the cells of pairs of links after they exchange their inputs."""
    shift = second % n_in
    shift -= first % n_in
    return first + shift, second - shift


def single_graph(graph: Any) -> BipartiteGraph | Graph:
    """Convert a graph with `topolearn.graph.as_graph`; a whole network, which is several graphs, raises an error.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For a network, and for anything that is not a graph.
    """
    read = as_graph(graph)
    if isinstance(read, LayeredNetwork):
        raise InvalidTypeError(
            f"graph must be a BipartiteGraph or a Graph, not a network of {len(read)} layers: pass one of its graphs, "
            "such as network.graphs[name]"
        )
    return read


def with_cells(graph: BipartiteGraph, cells: np.ndarray) -> BipartiteGraph:
    """Return a graph with other links between the same neurons."""
    return BipartiteGraph.from_cells(
        cells, graph.n_in, graph.n_out, input_names=graph.input_names, output_names=graph.output_names
    )
