"""The Erdős-Rényi model: every set of links is equally likely."""

import numpy as np

from topolearn.checks import random_generator
from topolearn.generators.link_count import link_count
from topolearn.graph import BipartiteGraph


def erdos_renyi(
    n_in: int, n_out: int, density: float, *, seed: int | np.random.Generator | None = None
) -> BipartiteGraph:
    """Generate a bipartite graph with a given number of links, placed uniformly at random.

    This is the model G(n, M): every set of ``round(density * n_in * n_out)`` distinct cells has the same probability.
    The model exists for every density in (0, 1].

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output neurons.
    density : float
        Share of the cells that are links, in (0, 1].
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None gives a new one on every call.

    Returns
    -------
    BipartiteGraph

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For invalid sizes, or a density that is outside (0, 1] or leaves no link.

    References
    ----------
    Erdős, Rényi (1959), "On random graphs I"; Mocanu et al. (2018), "Scalable training of artificial neural networks
    with adaptive sparse connectivity inspired by network science", for its use as a layer.

    Examples
    --------
    >>> erdos_renyi(784, 1568, 0.01, seed=0).n_links
    12293
    """
    n_links = link_count(n_in, n_out, density)
    n_in, n_out = int(n_in), int(n_out)  # the product of small numpy integers could overflow
    rng = random_generator(seed)
    cells = rng.choice(n_in * n_out, n_links, replace=False, shuffle=False)
    return BipartiteGraph.from_cells(cells, n_in, n_out)
