"""Decide which candidates are worth keeping: the compiled counterpart of `topolearn.sampling.Pool`.

A sieve is ``(key, soft, level, bits, splitter)``: the key of the random field, the bound of the pool, and the constant
that rounds scores (see `topolearn.linkpred.rounding`).
"""

import math

import numpy as np
from numba import float64, int64, uint64

from topolearn.compiling import internal, njit

GENEROUS = 2.0**-12  # relative margin, larger than any rounding error


@internal
def _mix(bits):
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@internal
def random_bits(cell, key):
    """Return the 53 bits of `topolearn.sampling.RandomField.bits` for a cell, an unsigned number."""
    return _mix(_mix(cell + np.uint64(0x9E3779B97F4A7C15)) ^ key) >> np.uint64(11)


@internal
def pick(cell, score, sieve, cells, kept, n_kept):
    """Append a candidate if its score is positive and reaches the bound; return the new number of candidates."""
    key, soft, level, bound_bits, splitter = sieve
    if score <= 0:
        return n_kept
    stretched = score * splitter
    rounded = stretched - (stretched - score)
    bits = random_bits(uint64(cell), key)
    if soft:
        uniform = np.float64(bits + np.uint64(1)) * 2.0**-53
        limit = rounded * level
        if 1 - uniform > limit or -math.log(uniform) > limit:  # 1 - x is a cheap lower bound of -log(x)
            return n_kept
    elif rounded < level or (rounded == level and bits < bound_bits):
        return n_kept
    cells[n_kept] = cell
    kept[n_kept] = rounded
    return n_kept + 1


@internal
def _flag(first, scores, sieve, flags):
    """Flag the scores of cells from ``first`` on that may pass: all that do, and hardly any others."""
    key, soft, level, _, _ = sieve
    if not soft:
        for v in range(scores.size):
            flags[v] = scores[v] * (1 + GENEROUS) >= level
        return
    stretched = level * (1 + GENEROUS) * 2.0**53
    for v in range(scores.size):
        bits = random_bits(uint64(first) + uint64(v), key)  # unsigned throughout, so that it vectorises
        flags[v] = 2.0**53 - 1 - float64(int64(bits)) <= scores[v] * stretched  # 1 - x is a lower bound of -log(x)


@internal
def pick_row(first, scores, sieve, flags, listed, cells, kept, n_kept):
    """Append the candidates among the cells from ``first`` on that pass; return the new number of candidates.

    ``flags`` has room for the row, and ``listed`` for one more.
    """
    _flag(first, scores, sieve, flags)
    n = 0
    for v in range(scores.size):
        listed[n] = v
        n += flags[v]
    for i in range(n):
        n_kept = pick(first + listed[i], scores[listed[i]], sieve, cells, kept, n_kept)
    return n_kept


@njit(nogil=True)
def clear_links(first, last, pointers, ends, scores):
    """Set the scores of links to 0 in a block of the rows first..last."""
    for u in range(first, last):
        for k in range(pointers[u], pointers[u + 1]):
            scores[u - first, ends[k]] = 0


@njit(nogil=True)
def pick_block(first, scores, sieve, flags, listed, cells, kept):
    """Write the cells and scores of the candidates in a block of scores that pass; return their number."""
    n_kept = np.int64(0)  # a literal would compile a second version of every function that gets it
    n_rows, n_in = scores.shape
    for i in range(n_rows):
        n_kept = pick_row((first + i) * n_in, scores[i], sieve, flags, listed, cells, kept, n_kept)
    return n_kept
