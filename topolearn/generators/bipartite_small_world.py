"""The bipartite small-world model (BSW): a ring lattice between two sides, rewired with probability beta."""

import numpy as np

from topolearn.checks import check_share, random_generator
from topolearn.generators.link_count import link_count
from topolearn.graph import BipartiteGraph


def bipartite_small_world(
    n_in: int,
    n_out: int,
    density: float,
    *,
    beta: float = 0.25,
    seed: int | np.random.Generator | None = None,
) -> BipartiteGraph:
    r"""Generate a bipartite Watts-Strogatz graph, between a ring lattice (beta = 0) and Erdős-Rényi (beta = 1).

    Both sides are placed on one ring. Neuron :math:`j` of the larger side, which has :math:`b` neurons, is at position
    :math:`j a / b` among the :math:`a` neurons of the smaller side and is linked to :math:`k_j` consecutive ones, from
    :math:`\lfloor j a / b - k_j / 2 \rfloor` on, modulo :math:`a`. Their middle is half a place to one and a half
    places before that position, so they are not always the nearest. The :math:`k_j` are the two integers around the
    mean degree, in random order, and add up to exactly the requested number of links. Then each link is removed with
    probability :math:`\beta`, and as many new links are placed uniformly on free cells. Adjacent neurons share
    neighbours, which gives the lattice its many closed paths of length three. If both sides are equal, the outputs take
    the role of the smaller side. The model exists for every density in (0, 1].

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output neurons.
    density : float
        Share of the cells that are links, in (0, 1].
    beta : float
        Probability in [0, 1] that a link of the lattice is rewired; the paper uses 0.25.
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None gives a new one on every call.

    Returns
    -------
    BipartiteGraph

    Raises
    ------
    InvalidValueError
        For invalid sizes, a beta outside [0, 1], or a density that is outside (0, 1] or leaves no link.

    References
    ----------
    Watts, Strogatz (1998), "Collective dynamics of 'small-world' networks"; Zhang et al., section 3.2 and appendix C.

    Examples
    --------
    >>> g = bipartite_small_world(8, 4, 0.5, beta=0, seed=0)
    >>> g.fan_out.tolist(), g.fan_in.tolist()
    ([2, 2, 2, 2, 2, 2, 2, 2], [4, 4, 4, 4])
    """
    n_links = link_count(n_in, n_out, density)
    n_in, n_out = int(n_in), int(n_out)  # the product of small numpy integers could overflow
    beta = check_share("beta", beta)
    rng = random_generator(seed)
    small, large = min(n_in, n_out), max(n_in, n_out)
    outputs_are_small = n_out <= n_in
    small_neuron, large_neuron = _ring_lattice(small, large, n_links, rng)
    output, inputs = (small_neuron, large_neuron) if outputs_are_small else (large_neuron, small_neuron)
    lattice = np.sort(output * n_in + inputs)
    kept = lattice[rng.random(n_links) >= beta]
    added = _free_cells(kept, n_in * n_out, n_links - kept.size, rng)
    return BipartiteGraph.from_cells(np.concatenate((kept, added)), n_in, n_out)


def _ring_lattice(small: int, large: int, n_links: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the links of the lattice as (neuron of the smaller side, neuron of the larger side)."""
    degree = np.full(large, n_links // large)
    degree[rng.permutation(large)[: n_links % large]] += 1
    # In integers, exact for any size: the first neighbour is floor(j * small / large - degree / 2).
    first = (2 * np.arange(large) * small - degree * large) // (2 * large)
    large_neuron = np.repeat(np.arange(large), degree)
    rank = np.arange(n_links) - np.repeat(np.cumsum(degree) - degree, degree)
    return (first[large_neuron] + rank) % small, large_neuron


def _free_cells(taken: np.ndarray, n_cells: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return k distinct cells drawn uniformly from those that are not in the sorted array ``taken``."""
    ranks = np.sort(
        rng.choice(n_cells - taken.size, k, replace=False, shuffle=False)
    )  # sorted, so that the search is faster
    # There are t_i - i free cells before the i-th taken cell t_i: shift each free rank by the taken cells before it.
    return ranks + np.searchsorted(taken - np.arange(taken.size), ranks, side="right")
