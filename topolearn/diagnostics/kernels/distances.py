"""Breadth-first search from many sources at once, with one bit per source in the words of every node."""

import numpy as np

from topolearn.compiling import internal, njit

WORDS = 4  # of 64 sources each: a node's words fill half a cache line


@njit(nogil=True)
def search(pointers, ends, sources, counts, totals):
    """Search from some sources, and add the numbers of nodes at each distance to `counts`.

    Parameters
    ----------
    pointers, ends : arrays
        Neighbours of each node, in compressed form, with every link in both directions.
    sources : array of int, shape (n_sources,)
        At most 64 * WORDS nodes.
    counts : array of int64, shape (n_nodes,)
        Pairs (source, node) by distance, added to.
    totals : array of float64, shape (n_sources, 4)
        For each source: nodes reached, sum of distances, sum of inverse distances, largest distance; written.
    """
    n = pointers.size - 1
    seen = np.zeros((n, WORDS), np.uint64)
    now = np.zeros((n, WORDS), np.uint64)
    then = np.zeros((n, WORDS), np.uint64)
    active, touched = np.empty(n, np.int32), np.empty(n, np.int32)
    n_active = 0
    reached, one = np.zeros(64 * WORDS, np.int64), np.uint64(1)
    for i in range(sources.size):
        node = sources[i]
        if not (now[node, 0] | now[node, 1] | now[node, 2] | now[node, 3]):
            active[n_active] = node
            n_active += 1
        now[node, i >> 6] |= one << np.uint64(i & 63)
        seen[node, i >> 6] = now[node, i >> 6]
    totals[:] = 0
    distance = 0
    while n_active:
        distance += 1
        n_touched = _step(pointers, ends, active, n_active, touched, now, then, seen)
        for a in range(n_active):
            now[active[a]] = 0
        _settle(touched, n_touched, then, seen, reached)
        for i in range(sources.size):
            if reached[i]:
                totals[i, 0] += reached[i]
                totals[i, 1] += reached[i] * distance
                totals[i, 2] += reached[i] / distance
                totals[i, 3] = distance
                counts[distance] += reached[i]
        now, then = then, now
        active, touched = touched, active
        n_active = n_touched


@internal
def _step(pointers, ends, active, n_active, touched, now, then, seen):
    """Mark the nodes that sources reach next from the active nodes; return the number of touched nodes."""
    n_touched = 0
    for a in range(n_active):
        node = active[a]
        w0, w1, w2, w3 = now[node, 0], now[node, 1], now[node, 2], now[node, 3]
        for k in range(pointers[node], pointers[node + 1]):
            other = ends[k]
            new0, new1 = w0 & ~seen[other, 0], w1 & ~seen[other, 1]
            new2, new3 = w2 & ~seen[other, 2], w3 & ~seen[other, 3]
            if new0 | new1 | new2 | new3:
                if not (then[other, 0] | then[other, 1] | then[other, 2] | then[other, 3]):
                    touched[n_touched] = other
                    n_touched += 1
                then[other, 0] |= new0
                then[other, 1] |= new1
                then[other, 2] |= new2
                then[other, 3] |= new3
    return n_touched


@internal
def _settle(touched, n_touched, then, seen, reached):
    """Record which sources have seen the touched nodes, and count the nodes that each source has just reached."""
    one = np.uint64(1)
    reached[:] = 0
    for t in range(n_touched):
        node = touched[t]
        for w in range(WORDS):
            bits = then[node, w]
            seen[node, w] |= bits
            for b in range(64):  # branch-free, so that the compiler vectorizes it
                reached[64 * w + b] += np.int64((bits >> np.uint64(b)) & one)
