"""The bipartite receptive field model (BRF): each neuron of the smaller side links to places around its own."""

import math
from collections.abc import Callable

import numpy as np

from topolearn.checks import check_share, random_generator
from topolearn.errors import InvalidValueError
from topolearn.generators.link_count import link_count
from topolearn.graph import BipartiteGraph
from topolearn.registry import suggest

_BLOCK = 2**21  # arrival times in memory at once: 16 MiB
_STEEPEST = 1e9  # exponent from which the nearer place always wins, on any ring


def bipartite_receptive_field(
    n_in: int,
    n_out: int,
    density: float,
    *,
    r: float = 0.3,
    degree: str = "fixed",
    seed: int | np.random.Generator | None = None,
) -> BipartiteGraph:
    r"""Generate a graph of receptive fields, between strict neighbourhoods (r = 0) and uniform choice (r = 1).

    The :math:`b` neurons of the larger side are placed on a ring. Neuron :math:`i` of the smaller side, which has
    :math:`a` neurons (the outputs if both sides are equal), is centred at :math:`\lfloor i b / a + 1/2 \rfloor`. It
    draws its :math:`k_i` neighbours one by one without replacement, with probability proportional to

    .. math:: (1 + d)^{-(1 - r) / r}

    where :math:`d` is the distance from its centre around the ring. At r = 0 it takes the :math:`k_i` nearest; of two
    at the same distance, it takes the one after the centre first. At r = 1 all are equally likely. The :math:`k_i` add
    up to exactly the requested number of links:

    - ``degree="fixed"``: they differ by at most one. The remainder goes first to neurons next to wider gaps between
      centres, otherwise to random ones; so at r = 0, no neuron is isolated if there are at least as many links as
      neurons on the larger side.
    - ``degree="uniform"``: each neuron has one link, and the others go to neurons drawn uniformly; links beyond
      :math:`b` are drawn again. With fewer links than neurons, each link goes to another neuron.

    The model exists for every density in (0, 1]; time and memory grow with the links.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output neurons.
    density : float
        Share of the cells that are links, in (0, 1].
    r : float
        Spread of the fields in [0, 1].
    degree : {"fixed", "uniform"}
        How the links are divided among the neurons of the smaller side.
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None gives a new one on every call.

    Returns
    -------
    BipartiteGraph

    Raises
    ------
    InvalidValueError
        For invalid sizes, an r or density outside its range, an unknown degree, or a layer without links.

    References
    ----------
    Zhang et al., "Brain network science modelling of sparse neural networks enables Transformers and LLMs to perform
    as fully connected"; Efraimidis, Spirakis (2006), "Weighted random sampling with a reservoir".

    Examples
    --------
    >>> bipartite_receptive_field(6, 3, 0.5, r=0, seed=0).to_scipy().toarray().astype(int)
    array([[1, 1, 0, 0, 0, 1],
           [0, 1, 1, 1, 0, 0],
           [0, 0, 0, 1, 1, 1]])
    """
    n_links = link_count(n_in, n_out, density)
    n_in, n_out = int(n_in), int(n_out)  # the product of small numpy integers could overflow
    r = check_share("r", r)
    if not isinstance(degree, str) or degree not in _DEGREES:
        raise InvalidValueError(f"unknown degree={degree!r}: {suggest(str(degree), list(_DEGREES))}")
    a, b, rng = min(n_in, n_out), max(n_in, n_out), random_generator(seed)
    k = _DEGREES[degree](n_links, a, b, rng)
    small = np.repeat(np.arange(a), k)
    if r == 0:  # places are numbered by distance from the centre: itself, right, left, right, left, ...
        place = np.arange(n_links) - np.repeat(np.cumsum(k) - k, k)
    else:
        place = _draw_places(k, b, min((1 - r) / r, _STEEPEST), rng)
    large = np.where(place & 1, (place + 1) >> 1, -(place >> 1))
    large += _centres(a, b)[small]
    large %= b
    cells = small * n_in + large if n_out <= n_in else large * n_in + small
    return BipartiteGraph.from_cells(cells, n_in, n_out)


def _centres(a: int, b: int) -> np.ndarray:
    return (2 * np.arange(a) * b + a) // (2 * a)


def _fixed_degrees(n_links: int, a: int, b: int, rng: np.random.Generator) -> np.ndarray:
    """Return ``a`` degrees that differ by at most one."""
    least = n_links // a
    # The gap on the side that one more link reaches: the right one after an odd number of links, else the left one.
    gap = np.roll(np.diff(_centres(a, b), append=b), 1 - least % 2)
    order = np.argsort(rng.random(a) - gap)
    return least + (np.argsort(order) < n_links % a)


def _uniform_degrees(n_links: int, a: int, b: int, rng: np.random.Generator) -> np.ndarray:
    """Return ``a`` degrees of one link each, if there are enough, and the others at random, at most b."""
    degree = np.where(rng.permutation(a) < n_links, 1, 0)
    while left := n_links - int(degree.sum()):
        free = np.flatnonzero(degree < b)
        degree[free] += rng.multinomial(left, np.full(free.size, 1 / free.size))
        np.minimum(degree, b, out=degree)
    return degree


_DEGREES: dict[str, Callable[..., np.ndarray]] = {"fixed": _fixed_degrees, "uniform": _uniform_degrees}


def _draw_places(k: np.ndarray, b: int, exponent: float, rng: np.random.Generator) -> np.ndarray:
    """Return for each i the numbers of k[i] distinct places out of b, drawn one by one in proportion to weight."""
    log_w = -exponent * np.log1p((np.arange(b) + 1) // 2)
    result = np.empty(int(k.sum()), dtype=np.int64)
    first = np.cumsum(k) - k
    for size in np.unique(k[k > 0]).tolist():
        near, n_arrivals = _plan(size, log_w)
        far_w = np.cumsum(np.exp(log_w[near:] - log_w[near])) if near < b else np.empty(0)
        step = max(1, _BLOCK // (near + n_arrivals))
        rows = np.flatnonzero(k == size)
        for start in range(0, rows.size, step):
            block = rows[start : start + step]
            places = _race(size, block.size, near, n_arrivals, log_w, far_w, rng)
            result[first[block][:, None] + np.arange(size)] = places
    return result


def _plan(size: int, log_w: np.ndarray) -> tuple[int, int]:
    """Return how many places get their own arrival time, and how many arrivals to draw at first for all others."""
    b = log_w.size
    # Each sampled place stands for all up to the next; samples are dense near the centre and sparser further out.
    edges = np.unique(np.geomspace(1, b + 1, 4000).astype(np.int64))
    log_weight, count = log_w[edges[:-1] - 1], np.diff(edges)
    low, high = math.log(size / b), 60 - float(log_w[-1])
    for _ in range(60):  # bisect the time by which that many places are expected to have an arrival
        middle = (low + high) / 2
        expected = count @ -np.expm1(-np.exp(np.minimum(log_weight + middle, 60)))
        low, high = (middle, high) if expected < size else (low, middle)
    near = int(np.searchsorted(-log_w, high + math.log(2)))
    if near >= b:
        return b, 0
    arrivals = float(np.exp(log_w[near:] + high).sum())
    return near, math.ceil(arrivals + 2 * math.sqrt(arrivals)) + 1


def _race(
    size: int, n_rows: int, near: int, n_arrivals: int, log_w: np.ndarray, far_w: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return for each row the first ``size`` places that have an arrival, shape (n_rows, size), unordered.

    Arrivals at a place are a Poisson process with its weight as the rate, so the places in the order of their first
    arrivals are those of successive draws without replacement. Each likely place gets the time of its first arrival (as
    a logarithm, so that no weight is too small). All others share one process, from which arrivals are drawn until the
    first places are known; ``far_w`` are their cumulative weights, relative to the first.
    """
    near_time = -log_w[:near] - rng.gumbel(size=(n_rows, near))
    if near == log_w.size:
        return np.argpartition(near_time, size - 1, axis=1)[:, :size]
    log_rate, result = log_w[near] + math.log(far_w[-1]), np.empty((n_rows, size), dtype=np.int64)
    rows, clock, far = np.arange(n_rows), np.zeros((n_rows, 1)), np.empty((n_rows, 0), dtype=np.int64)
    while rows.size:
        waits = rng.standard_exponential((rows.size, n_arrivals))
        clock = np.concatenate((clock, clock[:, -1:] + np.cumsum(waits, axis=1)), axis=1)
        points = np.sort(rng.random(waits.size)) * far_w[-1]  # sorted, so that the search is faster; then shuffled
        drawn = np.minimum(np.searchsorted(far_w, points, side="right"), far_w.size - 1)
        rng.shuffle(drawn)
        far = np.concatenate((far, near + drawn.reshape(waits.shape)), axis=1)
        far_time = np.log(np.maximum(clock[:, 1:], np.finfo(float).tiny)) - log_rate
        time = np.concatenate((near_time, np.where(_seen_before(far), np.inf, far_time)), axis=1)
        first = np.argpartition(time, min(size, time.shape[1]) - 1, axis=1)[:, :size]
        known = np.take_along_axis(time, first, axis=1).max(axis=1) <= far_time[:, -1]
        known &= first.shape[1] == size
        far_place = np.take_along_axis(far, np.maximum(first - near, 0), axis=1)
        result[rows[known]] = np.where(first < near, first, far_place)[known]
        rows, near_time, clock, far = rows[~known], near_time[~known], clock[~known], far[~known]
    return result


def _seen_before(places: np.ndarray) -> np.ndarray:
    """Return which places already appear further to the left in their row."""
    order = np.argsort(places, axis=1, kind="stable")
    ordered = np.take_along_axis(places, order, axis=1)
    again = np.zeros(places.shape, dtype=bool)
    np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return again
