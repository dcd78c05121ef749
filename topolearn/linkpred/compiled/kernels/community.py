"""Kernels that process whole local communities, for layers whose neurons have many links.

Sums over rows of links become sums of rows of a narrow dense table, `WIDTH` neurons wide, in SIMD registers.
"""

import numpy as np
from numba import uintp

from topolearn.compiling import internal, njit
from topolearn.linkpred.compiled.kernels.row_sums import WIDTH, add_rows

TILE = 16  # columns of results written at once
BLOCK_BYTES = 24 * 1024  # of table rows that are added to all sums before the next ones, to stay in the L1 cache
FEW = 32  # links per block, on average, below which blocks become larger


def make_scratch(n_rows, n_columns, n_seen, dtype):
    """Return the scratch arrays of a chunk of seeds."""
    return (
        np.zeros((n_columns, WIDTH), np.int16),  # panel: the links of the seeds; zero before and after each panel
        np.empty((n_rows, WIDTH), np.int16),  # shared: neighbours that a row neuron shares with each seed
        np.empty((n_rows, WIDTH), dtype),  # weights of row neurons
        np.empty((n_seen, WIDTH), dtype),  # sums
    )


def split(low, high, pointers, ends, n_rows, itemsize):
    """Split the links of neurons low..high by the block of table rows that they lead to.

    The links of neuron ``low + i`` to block b are ``splits[b, i]`` to ``splits[b + 1, i]``.
    """
    n_links = int(pointers[high] - pointers[low]) + 1
    block = max(BLOCK_BYTES // (WIDTH * itemsize), FEW * (high - low) * n_rows // n_links)
    splits = np.empty((max(-(-n_rows // block), 1) + 1, high - low), np.int64)
    _split(low, pointers, ends, block, splits)
    return splits


@njit(nogil=True)
def _split(low, pointers, ends, block, splits):
    n_blocks = splits.shape[0] - 1
    for i in range(splits.shape[1]):
        k = pointers[low + i]
        for b in range(n_blocks):
            splits[b, i] = k
            while k < pointers[low + i + 1] and ends[k] < (b + 1) * block:
                k += 1
        splits[n_blocks, i] = k


@internal
def sum_tables(splits, ends, table, sums, zero):
    """Write to ``sums[i]`` the sum of the rows of the table that neuron i links to."""
    sums[:] = 0
    for b in range(splits.shape[0] - 1):
        for i in range(splits.shape[1]):
            begin = splits[b, i]
            numbers = uintp(ends.ctypes.data) + uintp(4 * begin)
            total = uintp(sums.ctypes.data) + uintp(i * WIDTH * sums.itemsize)
            add_rows(uintp(table.ctypes.data), numbers, splits[b + 1, i] - begin, total, zero)


@internal
def weigh_panel(first, count, links, splits, table, scratch):
    """Write ``weights[z, i] = w_z`` for all row neurons z and the seeds ``first + i`` of their side."""
    pointers, ends, _, _ = links
    panel, shared, weights, _ = scratch
    values, starts = table
    for i in range(count):
        for k in range(pointers[first + i], pointers[first + i + 1]):
            panel[ends[k], i] = 1
    sum_tables(splits, ends, panel, shared, np.int16(0))
    for z in range(weights.shape[0]):
        start = np.uint64(starts[z])  # unsigned, to avoid the check for negative indices
        for i in range(WIDTH):
            weights[z, i] = values[start + np.uint64(np.uint16(shared[z, i]))]
    for i in range(count):
        for k in range(pointers[first + i], pointers[first + i + 1]):
            panel[ends[k], i] = 0


@internal
def _add_transposed(sums, first, count, scores, by_rows):
    """Add ``sums[j, i]`` to ``scores[first + i, j]``, or without ``by_rows`` to ``scores[j, first + i]``."""
    n_seen = sums.shape[0]
    if by_rows:
        for tile in range(0, n_seen, TILE):
            for i in range(count):
                for j in range(tile, min(tile + TILE, n_seen)):
                    scores[first + i, j] += sums[j, i]
    else:
        for j in range(n_seen):
            for i in range(count):
                scores[j, first + i] += sums[j, i]


@njit(nogil=True)
def add_neurons(first, last, offset, links, splits, table, scratch, scores, by_rows):
    """Add to ``scores[i, j]`` the weights of the row neurons of each local community, for i in first..last.

    The seeds ``offset + i`` are on the row side, and j numbers the column neurons v whose links are in the split. With
    transposed links and without ``by_rows``, it adds the weights of the column neurons to ``scores[j, i]``.
    """
    _, _, _, back_ends = links
    by_row, by_column = splits
    _, _, weights, sums = scratch
    for i in range(first, last, WIDTH):
        count = min(WIDTH, last - i)
        weigh_panel(offset + i, count, links, by_row, table, scratch)
        sum_tables(by_column, back_ends, weights, sums, weights.dtype.type(0))
        _add_transposed(sums, i, count, scores, by_rows)


@njit(nogil=True)
def fill_weights(first, last, links, splits, table, scratch, weights):
    """Write ``weights[z, u]``, the weight of row neuron z for seed u of the same side, for u in first..last."""
    _, _, narrow, _ = scratch
    for seed in range(first, last, WIDTH):
        count = min(WIDTH, last - seed)
        weigh_panel(seed, count, links, splits, table, scratch)
        for z in range(weights.shape[0]):
            for i in range(count):
                weights[z, seed + i] = narrow[z, i]


@njit(nogil=True)
def add_paths(first, last, links, table, far_weights, scores):
    """Add to ``scores[u - first, v]`` the paths u - z2 - z1 - v, for u in first..last.

    For each z1 with neighbours H: the sum of those rows of ``far_weights[H][:, H]`` (the weights of z2 for v) that u
    links to, times the weight of z1 for u.
    """
    pointers, ends, back_pointers, back_ends = links
    values, starts = table
    n_seeds, largest = last - first, 0
    for z in range(pointers.size - 1):
        largest = max(largest, pointers[z + 1] - pointers[z])
    position = np.empty(back_pointers.size - 1, np.int64)
    for h in range(position.size):
        position[h] = back_pointers[h] + np.searchsorted(back_ends[back_pointers[h] : back_pointers[h + 1]], first)
    reached = np.empty((n_seeds, largest), np.int32)
    n_reached = np.zeros(n_seeds, np.int32)
    weights = np.empty(n_seeds, scores.dtype)
    panel = np.zeros((largest, WIDTH), scores.dtype)
    total = np.empty(WIDTH, scores.dtype)
    zero = scores.dtype.type(0)
    across = np.zeros(
        (back_pointers.size - 1, n_seeds + 16), scores.dtype
    )  # padded, to avoid cache conflicts between rows
    for z in range(pointers.size - 1):
        community = ends[pointers[z] : pointers[z + 1]]
        if community.size < 2:
            continue
        n_reached[:] = 0
        for p in range(community.size):
            h = community[p]
            k = position[h]
            while k < back_pointers[h + 1] and back_ends[k] < last:
                u = back_ends[k] - first
                reached[u, n_reached[u]] = p
                n_reached[u] += 1
                k += 1
        if first <= z < last:
            n_reached[z - first] = 0
        for u in range(n_seeds):
            weights[u] = values[starts[z] + n_reached[u]]
        for begin in range(0, community.size, WIDTH):
            members = community[begin : min(begin + WIDTH, community.size)]
            for p in range(community.size):
                row = far_weights[community[p]]
                for q in range(members.size):
                    panel[p, q] = row[members[q]]
            for u in range(n_seeds):
                if n_reached[u] == 0:
                    continue
                numbers = uintp(reached.ctypes.data) + uintp(4 * u * largest)
                total[:] = 0
                add_rows(uintp(panel.ctypes.data), numbers, n_reached[u], uintp(total.ctypes.data), zero)
                for q in range(members.size):
                    across[members[q], u] += weights[u] * total[q]
    for u in range(n_seeds):
        for v in range(scores.shape[1]):
            scores[u, v] += across[v, u]
