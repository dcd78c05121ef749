"""The bipartite scale-free model (BSF): a Barabási-Albert graph rewired so that all links join two sides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topolearn.checks import random_generator
from topolearn.errors import InvalidValueError
from topolearn.generators.barabasi_albert import barabasi_albert
from topolearn.generators.link_count import link_count
from topolearn.generators.stub_matching import gale_ryser_room, match_stubs
from topolearn.graph import BipartiteGraph

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ScaleFreeDegrees:
    """The degrees of a bipartite scale-free graph, and their difference from those of the Barabási-Albert graph.

    Parameters
    ----------
    fan_out : array of int64, shape (n_in,)
        Number of links out of each input neuron.
    fan_in : array of int64, shape (n_out,)
        Number of links into each output neuron.
    n_changed : int
        Number of stubs (ends of links), out of ``2 * n_links``, that moved to another neuron.
    """

    fan_out: Integers
    fan_in: Integers
    n_changed: int


def bipartite_scale_free(
    n_in: int, n_out: int, density: float, *, seed: int | np.random.Generator | None = None
) -> BipartiteGraph:
    r"""Generate a graph with power-law degrees and hubs on both sides, with growth and preferential attachment.

    1. A Barabási-Albert graph grows on all :math:`N` = n_in + n_out neurons: starting from a complete core of
       :math:`c`, each new neuron brings :math:`c - 1` or :math:`c` links to neurons drawn in proportion to their
       degree. The core is the smallest for which the links add up to exactly the requested number, so :math:`c` is
       about n_links / N.
    2. The neurons are assigned to the two sides at random. Links between the sides stay; those within a side are cut.
    3. The numbers of stubs (ends of links) of the sides, which must be equal, are balanced, and hubs for which the
       other side or the theorem of Gale and Ryser leaves no room are lowered. `scale_free_degrees` counts these
       changes.
    4. The loose stubs of the two sides are joined at random, and repeated links trade ends
       (`stub_matching.match_stubs`); the graph has exactly these degrees.

    Degrees fall off as :math:`p(k) \sim k^{-\gamma}` with :math:`\gamma` = 3 in the limit. For layers of a few hundred
    to a few thousand neurons, maximum likelihood gives 2.7 to 3.1 (2.76 in the paper): for both sides together if their
    sizes differ by a factor of at most about two, otherwise for each side separately. Every neuron has a link. The
    model exists from n_links = N - 1, a tree, to density 1; close to density 1, there is no room for hubs.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output neurons.
    density : float
        Share of the cells that are links, from (n_in + n_out - 1) / (n_in * n_out) to 1.
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None gives a new one on every call.

    Returns
    -------
    BipartiteGraph

    Raises
    ------
    InvalidValueError
        For invalid sizes, a density above 1, or one that leaves fewer than n_in + n_out - 1 links.

    References
    ----------
    Barabási, Albert (1999), "Emergence of scaling in random networks"; Zhang et al., appendix C.

    Examples
    --------
    >>> graph = bipartite_scale_free(784, 1568, 0.01, seed=0)
    >>> graph.n_links, int(graph.fan_in.min()), bool(graph.fan_in.max() > 10 * graph.fan_in.mean())
    (12293, 1, True)
    """
    rng = random_generator(seed)
    links = _dealt_links(n_in, n_out, density, rng)
    n_in, n_out = int(n_in), int(n_out)
    degrees = _realisable_degrees(links, n_in, n_out, rng)
    crossing = links[:, (links < n_in).sum(axis=0) == 1]
    inputs, outputs = crossing.min(axis=0), crossing.max(axis=0) - n_in
    cells = match_stubs(degrees.fan_out, degrees.fan_in, rng, kept=outputs * n_in + inputs)
    return BipartiteGraph.from_cells(cells, n_in, n_out)


def scale_free_degrees(
    n_in: int, n_out: int, density: float, *, seed: int | np.random.Generator | None = None
) -> ScaleFreeDegrees:
    """Return the degrees that `bipartite_scale_free` realises with the same seed, and the number of moved stubs.

    Each side needs n_links stubs, and a neuron can have at most as many as the other side has neurons. A side with too
    many stubs gives away as few as possible, drawn by degree, and no neuron gives away its last one; a side with too
    few receives them, drawn by degree. If a hub exceeds its room, or the hubs of both sides together exceed theirs (by
    the theorem of Gale and Ryser, the k largest fan-ins must not exceed the sum of min(fan-out, k), for every k), the
    excess goes to the next largest neurons. A Barabási-Albert graph gives each side stubs in proportion to its neurons,
    so about one stub in six moves between sides of n and 2 n neurons, and few between equal sides.

    Parameters
    ----------
    n_in, n_out, density, seed
        As for `bipartite_scale_free`.

    Returns
    -------
    ScaleFreeDegrees

    Raises
    ------
    InvalidValueError
        As for `bipartite_scale_free`.

    Examples
    --------
    >>> degrees = scale_free_degrees(100, 100, 0.1, seed=0)
    >>> graph = bipartite_scale_free(100, 100, 0.1, seed=0)
    >>> bool((degrees.fan_in == graph.fan_in).all()), degrees.n_changed < 0.2 * 2 * graph.n_links
    (True, True)
    """
    rng = random_generator(seed)
    links = _dealt_links(n_in, n_out, density, rng)
    return _realisable_degrees(links, int(n_in), int(n_out), rng)


def _dealt_links(n_in: int, n_out: int, density: float, rng: np.random.Generator) -> Integers:
    """Return the links of a Barabási-Albert graph, shape (2, n_links), with neurons shuffled: inputs are below n_in."""
    n_links = link_count(n_in, n_out, density)
    n, n_cells = int(n_in) + int(n_out), int(n_in) * int(n_out)
    if n_links < n - 1:
        raise InvalidValueError(
            f"density={density} leaves {n_links} links in a layer of {n_in} x {n_out} neurons: the scale-free model "
            f"needs at least {n - 1}, about one for each neuron; use a density in [{(n - 1) / n_cells:.8g}, 1]"
        )
    return rng.permutation(n)[barabasi_albert(n, n_links, rng)]


def _realisable_degrees(links: Integers, n_in: int, n_out: int, rng: np.random.Generator) -> ScaleFreeDegrees:
    """Return the degrees of the neurons, changed as little as necessary for both sides to realise them."""
    n_links = links.shape[1]
    grown = np.bincount(links.ravel(), minlength=n_in + n_out)
    fan_out = _lowered(_balanced(grown[:n_in], n_links, n_out, rng), np.full(n_in, n_out))
    fan_in = _lowered(_balanced(grown[n_in:], n_links, n_in, rng), gale_ryser_room(fan_out, n_out))
    n_changed = int(np.maximum(np.concatenate((fan_out, fan_in)) - grown, 0).sum())
    return ScaleFreeDegrees(fan_out, fan_in, n_changed)


def _balanced(degree: Integers, total: int, room: int, rng: np.random.Generator) -> Integers:
    """Return degrees with a given sum: clipped to the room, then with stubs taken or given by degree."""
    degree = np.minimum(degree, room)
    missing = total - degree.sum()
    if missing < 0:
        return degree - rng.multivariate_hypergeometric(degree - 1, -missing, method="marginals")
    return degree + rng.multinomial(missing, degree / degree.sum())


def _lowered(degree: Integers, room: Integers) -> Integers:
    """Return degrees with the same sum, of which the k largest add up to at most the first k of ``room``, for each k.

    The partial sums of both are concave, and so is their minimum, which gives the partial sums of the result.
    """
    order = np.argsort(-degree, kind="stable")
    partial = np.minimum(np.cumsum(degree[order]), np.cumsum(room))
    result = np.empty_like(degree)
    result[order] = np.diff(partial, prepend=0)
    return result
