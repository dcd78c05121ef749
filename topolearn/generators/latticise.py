"""The lattice null model: the same degrees, with all links as near to the diagonal of the ring as they go."""

from typing import TypeVar

import numpy as np

from topolearn.generators.latticise_one_mode import lattice_one_mode
from topolearn.generators.randomise import check_graph, ends_swapped, with_cells
from topolearn.generators.swaps import may_swap
from topolearn.graph import BipartiteGraph, Graph

G = TypeVar("G", BipartiteGraph, Graph)

_MAX_ROUNDS = 2000
_PATIENCE = 50  # rounds after which the search ends when they have swapped too few
_FEW = 0.005  # swaps in all these rounds, for each link


def latticise(graph: G) -> G:
    r"""Return the lattice in which every neuron keeps its number of links.

    Both sides lie on one ring, input i at :math:`(i + 1/2) / n_{in}` and output o at :math:`(o + 1/2) / n_{out}` of its
    length, and the links become as short as swaps make them: two links exchange their ends,
    :math:`(i, o), (j, p) \to (i, p), (j, o)`, whenever both cells are free and the sum of the squares of the two
    lengths around the ring falls. In each round the links, in the order of their outputs or of their inputs by turns,
    are paired with those so many places further on, a number drawn log-uniformly, so that long links shorten in few
    steps and short ones find their place. The search ends when 50 rounds have made fewer swaps than 0.5 % of the
    links, after 2000 rounds at most: the lattice is one that swaps hardly improve, not always the shortest. A lattice
    of `bipartite_small_world` (beta 0) is one already. Draws come from a stream of their own, always the same, so that
    a graph has one lattice. One-mode graphs: likewise, see `topolearn.generators.latticise_one_mode`.

    Parameters
    ----------
    graph : BipartiteGraph or Graph
        Any graph; names stay with their neurons.

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
    Sporns, Zwi (2004), "The small world of the cerebral cortex", for the lattice by swaps; Telesford et al. (2011),
    "The ubiquity of small-world networks", for its use in omega.

    Examples
    --------
    >>> from topolearn.generators import bipartite_small_world
    >>> random = bipartite_small_world(8, 4, 0.25, beta=1, seed=0)
    >>> random.to_scipy().toarray().astype(int)
    array([[1, 0, 0, 0, 0, 1, 0, 0],
           [0, 1, 0, 0, 0, 0, 1, 0],
           [0, 0, 0, 0, 0, 1, 1, 0],
           [0, 0, 1, 0, 1, 0, 0, 0]])
    >>> latticise(random).to_scipy().toarray().astype(int)
    array([[1, 0, 0, 0, 0, 0, 1, 0],
           [0, 1, 1, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 1, 1, 0, 0],
           [0, 0, 0, 0, 0, 1, 1, 0]])
    """
    if isinstance(graph, Graph):
        return lattice_one_mode(graph)
    check_graph(graph)
    rng = np.random.default_rng(0)
    cells, n_in, n_out = graph.cells.copy(), graph.n_in, graph.n_out
    for _ in range(_MAX_ROUNDS // _PATIENCE if cells.size > 1 else 0):
        n_swaps = 0
        for _ in range(_PATIENCE):  # an even number, so that the graph is the right way round at the end
            n_swaps += _shorten(cells, n_in, n_out, rng)
            outputs, inputs = np.divmod(cells, n_in)
            cells, n_in, n_out = inputs * n_out + outputs, n_out, n_in  # the graph seen from its other side
        if n_swaps < _FEW * cells.size:
            break
    return with_cells(graph, cells)


def _shorten(cells: np.ndarray, n_in: int, n_out: int, rng: np.random.Generator) -> int:
    """Swap ends in place where links get shorter, in one pairing of all links; return the number of swaps."""
    cells.sort()
    lag = int(np.exp(rng.uniform(0, np.log(cells.size // 2))))
    cells[:] = np.roll(cells, rng.integers(cells.size))
    n_blocks = cells.size // (2 * lag)
    blocks = cells[: 2 * lag * n_blocks].reshape(n_blocks, 2, lag)
    old = blocks[:, 0], blocks[:, 1]
    new = ends_swapped(*old, n_in)
    before = _squared_length(old[0], n_in, n_out) + _squared_length(old[1], n_in, n_out)
    after = _squared_length(new[0], n_in, n_out) + _squared_length(new[1], n_in, n_out)
    swaps = after < before * (1 - 1e-12)
    swaps[swaps] = may_swap(cells, (old[0][swaps], old[1][swaps]), (new[0][swaps], new[1][swaps]))
    for side in (0, 1):
        np.copyto(old[side], new[side], where=swaps)
    return int(np.count_nonzero(swaps))


def _squared_length(cells: np.ndarray, n_in: int, n_out: int) -> np.ndarray:
    """Return the square of the distance of each link's ends around the ring, whose length is 1."""
    outputs, inputs = np.divmod(cells, n_in)
    turn = 2 * n_in * n_out
    distance = np.abs((2 * inputs + 1) * n_out - (2 * outputs + 1) * n_in)
    return (np.minimum(distance, turn - distance) / turn) ** 2
