"""The Barabási-Albert model: growth and preferential attachment, with an exact number of links.

This implementation replaces igraph's, whose random state is global and cannot be read back, whose `Graph.Barabasi` adds
1 to each degree by default (gamma = 3 + 1 / m), and which takes several times as long for ten million links.
"""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def barabasi_albert(n: int, n_links: int, rng: np.random.Generator) -> Integers:
    """Return the links of a Barabási-Albert graph with an exact number of links.

    The graph grows from a complete core of c nodes: each new node brings c - 1 or c links, in random order, to older
    nodes drawn in proportion to their degree. The core is the smallest for which the links can add up to ``n_links``,
    so c is about n_links / n. Each of the first ``max(1000, 50 c)`` nodes attaches to distinct nodes. After that, links
    are drawn independently, so a few, less than 2 % of a node's, are repeated. Time and memory are proportional to the
    number of links.

    Parameters
    ----------
    n : int
        Number of nodes, at least 2.
    n_links : int
        Number of links, from n - 1 (a tree) to n (n - 1) / 2.
    rng : numpy.random.Generator
        The source of the draws.

    Returns
    -------
    array of int64, shape (2, n_links)
        Columns (newer node, older node); nodes are numbered in order of arrival.

    References
    ----------
    Barabási, Albert (1999), "Emergence of scaling in random networks"; Batagelj, Brandes (2005), "Efficient generation
    of large random networks", for the draw from the stubs.

    Examples
    --------
    >>> links = barabasi_albert(100, 470, np.random.default_rng(0))
    >>> links.shape, bool((links[0] > links[1]).all())
    ((2, 470), True)
    """
    core = max(2, 1 + int(np.searchsorted(np.cumsum(n - np.arange(1, n)), n_links)))
    brought = np.zeros(n, dtype=np.int64)
    if n > core:
        least, more = divmod(n_links - core * (core - 1) // 2, n - core)
        brought[core:] = least + (rng.permutation(n - core) < more)
    first_late = min(n, max(1000, 50 * core))
    early = _attach_early(core, brought[:first_late], rng)
    return np.concatenate((early, _attach_late(early, brought[first_late:], first_late, rng)), axis=1)


def _attach_early(core: int, brought: Integers, rng: np.random.Generator) -> Integers:
    """Return the links (new, old) of a complete core and of the nodes after it, each attached to distinct nodes."""
    degree = np.zeros(brought.size)
    degree[:core] = core - 1
    targets = [np.tril_indices(core, -1)[1]]
    for new in range(core, brought.size):
        # The first exponential clocks with these rates to ring are a draw without replacement, by degree.
        clocks = rng.standard_exponential(new) / degree[:new]
        old = np.sort(np.argpartition(clocks, brought[new] - 1)[: brought[new]])
        degree[old] += 1
        degree[new] = brought[new]
        targets.append(old)
    brought = np.concatenate((np.arange(core), brought[core:]))
    return np.stack((np.repeat(np.arange(brought.size), brought), np.concatenate(targets)))


def _attach_late(links: Integers, brought: Integers, first: int, rng: np.random.Generator) -> Integers:
    """Return the links (new, old) of the nodes from ``first`` on, of which a few are repeated.

    A stub drawn uniformly from all stubs before a node belongs to each older node in proportion to its degree. Stubs
    are numbered in order of time, alternating the new and the old end of each link; a drawn stub that is itself the old
    end of a later link stands for the stub that this link drew.
    """
    stubs = links.T.ravel()
    sources = np.repeat(np.arange(first, first + brought.size), brought)
    room = stubs.size + 2 * np.repeat(np.cumsum(brought) - brought, brought)
    drawn = rng.integers(0, room)
    place = drawn.copy()
    open_ = np.flatnonzero((place >= stubs.size) & (place % 2 == 1))
    while open_.size:  # ends: a place always points to an earlier one
        place[open_] = drawn[(place[open_] - stubs.size) // 2]
        open_ = open_[(place[open_] >= stubs.size) & (place[open_] % 2 == 1)]
    targets = sources[np.maximum(place - stubs.size, 0) // 2] if sources.size else sources
    is_early = place < stubs.size
    targets[is_early] = stubs[place[is_early]]
    return np.stack((sources, targets))
