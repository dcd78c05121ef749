"""The compiled loop of this room: the links of a graph by column, from those by row. Importing it imports numba."""

import numpy as np

from topolearn.compiling import njit


@njit(nogil=True)
def transpose(pointers, ends, n_in):
    """Return the rows that link to each column, in the same compressed form, sorted."""
    back_pointers = np.zeros(n_in + 1, np.int64)
    for k in range(ends.size):
        back_pointers[ends[k] + 1] += 1
    for v in range(n_in):
        back_pointers[v + 1] += back_pointers[v]
    place = back_pointers[:-1].copy()
    back_ends = np.empty(ends.size, np.int32)
    for u in range(pointers.size - 1):
        for k in range(pointers[u], pointers[u + 1]):
            v = ends[k]
            back_ends[place[v]] = u
            place[v] += 1
    return back_pointers, back_ends


@njit(nogil=True)
def places_among(ordered, wanted, places):
    """Write how many of some sorted numbers lie below each that is wanted, as ``np.searchsorted`` does.

    Where those that are wanted are sorted too, each is looked for a step ahead of the one before.
    """
    n, place, before = ordered.size, 0, 0
    for i in range(wanted.size):
        number = wanted[i]
        if i and number < before:
            place = 0
        low, step = place, 1
        while low + step <= n and ordered[low + step - 1] < number:
            low += step
            step *= 2
        high = min(low + step - 1, n)
        while low < high:
            middle = (low + high) // 2
            if ordered[middle] < number:
                low = middle + 1
            else:
                high = middle
        place, before = low, number
        places[i] = place
