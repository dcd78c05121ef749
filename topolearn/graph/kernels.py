"""The compiled loops of graphs: links by column, and searches in sorted cells. Importing it imports numba."""

import numpy as np
from numba import types
from numba.extending import intrinsic

from topolearn.compiling import internal, njit


@intrinsic
def count_ones(typing, bits):
    """Return how many bits of a 64-bit number are set: a single instruction, which LLVM can vectorise."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def transpose(pointers, ends, n_in):
    """Return the rows that link to each column, sorted and in the same compressed form."""
    back_pointers, back_ends = np.zeros(n_in + 1, np.int64), np.empty(ends.size, np.int32)
    _transpose(pointers, ends, back_pointers, np.empty(n_in, np.int64), back_ends)
    return back_pointers, back_ends


@njit(nogil=True)
def _transpose(pointers, ends, back_pointers, place, back_ends):
    for k in range(ends.size):
        back_pointers[ends[k] + 1] += 1
    for v in range(place.size):
        place[v] = back_pointers[v]
        back_pointers[v + 1] += back_pointers[v]
    for u in range(pointers.size - 1):
        for k in range(pointers[u], pointers[u + 1]):
            v = ends[k]
            back_ends[place[v]] = u
            place[v] += 1


@njit(nogil=True)
def places_among(ordered, wanted, places):
    """Write how many of the ordered numbers are below each wanted one, as ``np.searchsorted`` does.

    The search for each number starts where the one before ended, so it is fast if wanted numbers are sorted too.
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


@internal
def _set_bits(cells, bits):
    for i in range(cells.size):
        bits[cells[i] >> 6] |= np.uint64(1) << np.uint64(cells[i] & 63)


@njit(nogil=True)
def ranks_among(ordered, bits, below, wanted, places):
    """Do the same as `places_among` with a bitmap of the ordered numbers instead of a search.

    ``bits`` are zeros, one for each number up to the largest; ``below`` has as many words.
    """
    _set_bits(ordered, bits)
    n = 0
    for word in range(bits.size):
        below[word] = n
        n += count_ones(bits[word])
    for i in range(wanted.size):
        word = wanted[i] >> 6
        if word >= bits.size:
            places[i] = n
        else:
            lower = bits[word] & ((np.uint64(1) << np.uint64(wanted[i] & 63)) - np.uint64(1))
            places[i] = below[word] + count_ones(lower)


@njit(nogil=True)
def mark_members(members, bits, cells, is_member):
    """Write which cells are among the members, with a bitmap of these as in `ranks_among`."""
    _set_bits(members, bits)
    for i in range(cells.size):
        word = cells[i] >> 6
        is_member[i] = word < bits.size and (bits[word] >> np.uint64(cells[i] & 63)) & np.uint64(1)


@njit(nogil=True)
def merge_bits(first, second, bits, cells):
    """Write the sorted union of two lists, with a bitmap as in `ranks_among`; return how many numbers it has."""
    _set_bits(first, bits)
    _set_bits(second, bits)
    n = 0
    for word in range(bits.size):
        left = bits[word]
        while left:
            lowest = left & (~left + np.uint64(1))
            if n < cells.size:
                cells[n] = 64 * word + np.int64(count_ones(lowest - np.uint64(1)))
            n += 1
            left ^= lowest
    return n
