"""Shared neighbours of two neurons on one side, counted along walks of two links."""

import numpy as np

from topolearn.compiling import njit


@njit(nogil=True)
def count_squares(first, last, pointers, ends, back_pointers, back_ends):
    """Return the number of cycles of four links through pairs of rows (u, z), u < z, with first <= u < last."""
    n_shared = np.zeros(pointers.size - 1, np.int64)
    met = np.empty(pointers.size - 1, np.int64)
    n_squares = 0
    for u in range(first, last):
        n_met = 0
        for k in range(pointers[u], pointers[u + 1]):
            v = ends[k]
            j = back_pointers[v + 1] - 1
            while back_ends[j] > u:  # the link back to u stops it at the latest
                z = back_ends[j]
                if n_shared[z] == 0:
                    met[n_met] = z
                    n_met += 1
                n_shared[z] += 1
                j -= 1
        for i in range(n_met):
            shared = n_shared[met[i]]
            n_squares += shared * (shared - 1) // 2
            n_shared[met[i]] = 0
    return n_squares


DOT, MIN, MAX = range(3)  # divide shared neighbours by the union, the smaller degree, or the larger degree


@njit(nogil=True)
def mean_overlaps(first, last, mode, pointers, ends, back_pointers, back_ends, means):
    """Write the mean overlap of each row, first <= row < last, with the rows that share neighbours with it."""
    n_shared = np.zeros(pointers.size - 1, np.int64)
    met = np.empty(pointers.size - 1, np.int64)
    for u in range(first, last):
        n_met, degree = 0, pointers[u + 1] - pointers[u]
        for k in range(pointers[u], pointers[u + 1]):
            v = ends[k]
            for j in range(back_pointers[v], back_pointers[v + 1]):
                z = back_ends[j]
                if z != u:
                    if n_shared[z] == 0:
                        met[n_met] = z
                        n_met += 1
                    n_shared[z] += 1
        total = 0.0
        for i in range(n_met):
            z = met[i]
            other = pointers[z + 1] - pointers[z]
            if mode == DOT:
                total += n_shared[z] / (degree + other - n_shared[z])
            elif mode == MIN:
                total += n_shared[z] / min(degree, other)
            else:
                total += n_shared[z] / max(degree, other)
            n_shared[z] = 0
        means[u] = total / n_met if n_met else 0.0


@njit(nogil=True)
def pairs_that_meet_again(pointers, ends, back_pointers, back_ends):
    """Return for each column how many pairs of its rows have another column in common, each pair counted twice."""
    n_shared = np.zeros(pointers.size - 1, np.int64)
    pairs = np.zeros(back_pointers.size - 1, np.int64)
    for u in range(pointers.size - 1):
        for k in range(pointers[u], pointers[u + 1]):
            for j in range(back_pointers[ends[k]], back_pointers[ends[k] + 1]):
                n_shared[back_ends[j]] += 1
        n_shared[u] = 0
        for k in range(pointers[u], pointers[u + 1]):
            for j in range(back_pointers[ends[k]], back_pointers[ends[k] + 1]):
                pairs[ends[k]] += n_shared[back_ends[j]] > 1
        for k in range(pointers[u], pointers[u + 1]):
            for j in range(back_pointers[ends[k]], back_pointers[ends[k] + 1]):
                n_shared[back_ends[j]] = 0
    return pairs
