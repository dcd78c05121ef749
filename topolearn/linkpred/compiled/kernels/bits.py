"""Kernels that count shared neighbours 64 at a time, for dense layers."""

import numpy as np

from topolearn.compiling import njit
from topolearn.graph.kernels import count_ones


@njit(nogil=True)
def pack(pointers, ends, n_in):
    """Return the links as bits: bit v % 64 of ``bits[v // 64, u]`` is set where u links to v."""
    bits = np.zeros((-(-n_in // 64), pointers.size - 1), np.uint64)
    for u in range(pointers.size - 1):
        for k in range(pointers[u], pointers[u + 1]):
            bits[ends[k] >> 6, u] |= np.uint64(1) << np.uint64(ends[k] & 63)
    return bits


@njit(nogil=True)
def weigh_rows(first, last, bits, table, weights):
    """Write ``weights[u - first, z] = w_z`` for all row neurons z and the seeds u in first..last of their side."""
    values, starts = table
    shared = np.empty(bits.shape[1], np.uint64)
    for u in range(first, last):
        shared[:] = 0
        for i in range(bits.shape[0]):
            word, row = bits[i, u], bits[i]
            for z in range(row.size):
                shared[z] += count_ones(word & row[z])
        for z in range(shared.size):
            weights[u - first, z] = values[np.uint64(starts[z]) + shared[z]]
