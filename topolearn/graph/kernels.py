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
