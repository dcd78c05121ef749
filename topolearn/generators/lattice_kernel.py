"""The compiled search for a lattice: sequential swaps that shorten links around a ring."""

import numpy as np

from topolearn.compiling import internal, njit

_MIX = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio in 64 bits, to spread keys over the hash table


@njit(nogil=True)
def shorten(a, b, n, rng, max_rounds, patience, few):
    """Swap ends of the links (a, b) in place, until `patience` rounds make fewer than `few` swaps per link.

    Parameters
    ----------
    a, b : arrays of int64, shape (n_links,)
        Places of the ends on a ring of n.
    rng : numpy.random.Generator
    """
    n_links = a.size
    size = 4
    while size < 3 * n_links:
        size *= 2
    table = np.full(size, -1, np.int64)  # the links, in a hash table with open addressing
    for k in range(n_links):
        key = _key(a[k], b[k], n)
        table[_slot(table, key)] = key
    order, counts = np.empty(n_links, np.int64), np.empty(n + 1, np.int64)
    n_swaps = 0
    for done in range(1, max_rounds + 1):
        for k in range(n_links):
            if rng.random() < 0.5:
                a[k], b[k] = b[k], a[k]
        _sort(a, order, counts)
        lag = int(np.exp(rng.random() * np.log(n_links // 2)))
        shift = int(rng.random() * n_links)
        for place in range(n_links // (2 * lag) * lag):
            at = shift + place // lag * 2 * lag + place % lag
            n_swaps += _swap(a, b, order[at % n_links], order[(at + lag) % n_links], n, table)
        if done % patience == 0:
            if n_swaps < few * n_links:
                break
            n_swaps = 0


@internal
def _swap(a, b, k, m, n, table):
    """Swap ends of two links in the better of two ways, if this shortens them and both new pairs are free."""
    now = _squared(a[k], b[k], n) + _squared(a[m], b[m], n)
    straight = _squared(a[k], b[m], n) + _squared(a[m], b[k], n)
    crossed = _squared(a[k], a[m], n) + _squared(b[m], b[k], n)
    if min(straight, crossed) >= now:
        return False
    first, second, third, fourth = a[k], b[m], a[m], b[k]
    if crossed < straight:
        second, third = a[m], b[m]
    new, other = _key(first, second, n), _key(third, fourth, n)
    if table[_slot(table, new)] == new or table[_slot(table, other)] == other:
        return False
    _remove(table, _key(a[k], b[k], n))
    _remove(table, _key(a[m], b[m], n))
    table[_slot(table, new)] = new
    table[_slot(table, other)] = other
    a[k], b[k], a[m], b[m] = first, second, third, fourth
    return True


@internal
def _squared(i, j, n):
    """Return the squared distance around the ring; for i == j, more than that of any two different places."""
    distance = abs(i - j)
    return n * n if distance == 0 else min(distance, n - distance) ** 2


@internal
def _key(i, j, n):
    return min(i, j) * n + max(i, j)


@internal
def _home(table, key):
    mixed = np.uint64(key) * _MIX
    return np.int64((mixed >> np.uint64(20)) & np.uint64(table.size - 1))


@internal
def _slot(table, key):
    """Return the slot of a key, or the one where it would be inserted."""
    slot = _home(table, key)
    while table[slot] != -1 and table[slot] != key:
        slot = (slot + 1) & (table.size - 1)
    return slot


@internal
def _remove(table, key):
    """Remove a key, and move back the keys that it displaced."""
    last = table.size - 1
    hole = _slot(table, key)
    table[hole] = -1
    slot = (hole + 1) & last
    while table[slot] != -1:
        if ((slot - _home(table, table[slot])) & last) >= ((slot - hole) & last):
            table[hole], table[slot] = table[slot], -1
            hole = slot
        slot = (slot + 1) & last


@internal
def _sort(values, order, counts):
    """Write the indices that sort the values."""
    counts[:] = 0
    for value in values:
        counts[value + 1] += 1
    for i in range(1, counts.size):
        counts[i] += counts[i - 1]
    for k in range(values.size):
        order[counts[values[k]]] = k
        counts[values[k]] += 1
