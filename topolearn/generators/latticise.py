"""The lattice null model: the same degrees, with links as short as possible around a ring."""

from typing import Any, TypeVar, overload

import numpy as np

from topolearn.generators.latticise_one_mode import FEW, MAX_ROUNDS, PATIENCE, lattice_one_mode
from topolearn.generators.randomise import ends_swapped, single_graph, with_cells
from topolearn.generators.swaps import may_swap
from topolearn.graph import BipartiteGraph, Graph

G = TypeVar("G", BipartiteGraph, Graph)


@overload
def latticise(graph: G) -> G: ...
@overload
def latticise(graph: Any) -> BipartiteGraph | Graph: ...
def latticise(graph: Any) -> BipartiteGraph | Graph:
    r"""Return a lattice in which every neuron keeps its number of links.

    Both sides are placed on one ring, input i at :math:`(i + 1/2) / n_{in}` and output o at :math:`(o + 1/2) / n_{out}`
    of its length. Swaps then shorten the links: two links exchange their ends,
    :math:`(i, o), (j, p) \to (i, p), (j, o)`, if both cells are free and the sum of the squared lengths around the ring
    decreases. In each round the links are sorted, alternating between the order of outputs and of inputs, and each is
    paired with the link a fixed number of places further on. This number is drawn log-uniformly, so that long links
    shorten in few steps and short ones settle. The search ends when 50 rounds make fewer swaps than 0.5 % of the links,
    or after 2000 rounds: the result is a lattice that swaps hardly improve, not necessarily the shortest one. Its sum
    of squared lengths is never above that of the graph. Large, sparse lattices of `bipartite_small_world` (beta = 0)
    are so short that they stay as they are; in small or dense ones some links still move. The random draws always use
    the same seed, so the same graph always gives the same lattice. For one-mode graphs, see
    `topolearn.generators.latticise_one_mode`.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one
        Any graph, as for `topolearn.graph.as_graph`; names stay with their neurons.

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
    Sporns, Zwi (2004), "The small world of the cerebral cortex", for lattices from swaps; Telesford et al. (2011),
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
    read = single_graph(graph)
    if isinstance(read, Graph):
        return lattice_one_mode(read)
    rng = np.random.default_rng(0)
    cells, n_in, n_out = read.cells.copy(), read.n_in, read.n_out
    for _ in range(MAX_ROUNDS // PATIENCE if cells.size > 1 else 0):
        n_swaps = 0
        for _ in range(PATIENCE):  # an even number, so that the sides end in their original order
            n_swaps += _shorten(cells, n_in, n_out, rng)
            outputs, inputs = np.divmod(cells, n_in)
            cells, n_in, n_out = inputs * n_out + outputs, n_out, n_in  # exchange the two sides
        if n_swaps < FEW * cells.size:
            break
    return with_cells(read, cells)


def _shorten(cells: np.ndarray, n_in: int, n_out: int, rng: np.random.Generator) -> int:
    """Swap ends in place if links get shorter, in one pairing of all links; return the number of swaps."""
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
    """Return the squared distance between the ends of each link around the ring, whose length is 1."""
    outputs, inputs = np.divmod(cells, n_in)
    turn = 2 * n_in * n_out
    distance = np.abs((2 * inputs + 1) * n_out - (2 * outputs + 1) * n_in)
    return (np.minimum(distance, turn - distance) / turn) ** 2
