"""The bipartite small-world model (BSW): a ring lattice of two kinds of neurons, rewired with probability beta."""

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
    r"""Generate a bipartite Watts-Strogatz graph, between a ring lattice (beta 0) and Erdős-Rényi (beta 1).

    The two layers lie on one ring. Each neuron of the larger side, at position :math:`j a / b` of the smaller side's
    :math:`a` neurons, is linked to the :math:`k_j` nearest of them, where the :math:`k_j` are the two integers around
    the mean degree, in random order, and add up to exactly the number of links asked for. Then each link is removed
    with probability :math:`\beta`, and as many are placed uniformly on the cells that are free. Neighbouring neurons
    share neighbours, which is what gives the lattice its many closed paths of length three. With sides of equal size
    the outputs play the smaller side. The model exists for every density in (0, 1].

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output neurons.
    density : float
        Share of the cells that are links, in (0, 1].
    beta : float
        Probability in [0, 1] that a link of the lattice is rewired; the paper uses 0.25.
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None draws a fresh one.

    Returns
    -------
    BipartiteGraph

    Raises
    ------
    InvalidValueError
        For impossible sizes, a beta outside [0, 1], or a density that is outside (0, 1] or leaves no link.

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
    n_in, n_out = int(n_in), int(n_out)  # the product of two small numpy integers would wrap around
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
    # Integer arithmetic: the first neighbour is floor(j * small / large - degree / 2), for any size.
    first = (2 * np.arange(large) * small - degree * large) // (2 * large)
    large_neuron = np.repeat(np.arange(large), degree)
    rank = np.arange(n_links) - np.repeat(np.cumsum(degree) - degree, degree)
    return (first[large_neuron] + rank) % small, large_neuron


def _free_cells(taken: np.ndarray, n_cells: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return k distinct cells drawn uniformly from those not in the sorted array ``taken``."""
    ranks = np.sort(rng.choice(n_cells - taken.size, k, replace=False, shuffle=False))  # in order they are found faster
    # Before the i-th taken cell t_i lie t_i - i free ones, so a free rank is shifted by those not above it.
    return ranks + np.searchsorted(taken - np.arange(taken.size), ranks, side="right")
