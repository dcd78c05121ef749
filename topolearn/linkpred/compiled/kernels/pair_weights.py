"""Kernels that walk the links row by row with precomputed weights, for layers whose rows have many scores.

The weights of a side form a sparse matrix, `pairs`: ``others[starts[z]:stops[z]]`` are the neurons of the side that
share neighbours with neuron z; ``weights[starts[z]:stops[z]]`` are either their weights for the seed z, or the weights
of z for them as seeds.
"""

import numpy as np

from topolearn.compiling import internal, njit
from topolearn.linkpred.compiled.kernels.picking import pick_row


@njit(nogil=True)
def weigh_pairs(first, last, links, table, is_seed, pairs, shared):
    """Fill the pairs of the row neurons z in first..last, as seeds or members; return their sum over all non-links.

    Each weight counts for those neighbours of its neuron that are not linked to the seed. ``shared`` are int32 zeros,
    one for each row neuron.
    """
    pointers, ends, back_pointers, back_ends = links
    values, table_starts = table
    starts, stops, others, weights = pairs
    total = 0.0
    for z in range(first, last):
        n = starts[z]
        for i in range(pointers[z], pointers[z + 1]):
            for j in range(back_pointers[ends[i]], back_pointers[ends[i] + 1]):
                other = back_ends[j]
                if other != z:
                    others[n] = other
                    n += shared[other] == 0
                    shared[other] += 1
        stops[z] = n
        for k in range(starts[z], n):
            n_shared = shared[others[k]]
            member = others[k] if is_seed else z
            weights[k] = values[table_starts[member] + n_shared]
            total += np.float64(weights[k]) * (pointers[member + 1] - pointers[member] - n_shared)
            shared[others[k]] = 0
    return total


def make_scratch(n_out, n_in, dtype):
    """Return the scratch arrays of a thread; all scores and weights are zero before and after each row."""
    return (
        np.zeros(n_in, dtype),  # total: the scores
        np.zeros(n_out, dtype),  # of_u: the weights of output neurons for the seed
        np.zeros(n_in, dtype),  # of_z2: the weights of one of its neighbours for input neurons
        np.empty(n_in, np.uint8),  # flags, for `pick_row`
        np.empty(n_in + 1, np.int32),  # listed, for `pick_row`
    )


@internal
def _add_neurons(u, links, near, across, total):
    """Add the weights of the neurons in the local communities of u to the scores of the input neurons."""
    pointers, ends, _, _ = links
    near_starts, near_stops, near_others, near_weights = near
    starts, stops, others, weights = across
    for i in range(near_starts[u], near_stops[u]):
        z1, weight = near_others[i], near_weights[i]
        for k in range(
            np.uint64(pointers[z1]), np.uint64(pointers[z1 + 1])
        ):  # unsigned, to avoid the check for negative indices
            total[np.uint32(ends[k])] += weight
    for i in range(pointers[u], pointers[u + 1]):
        z2 = ends[i]
        for k in range(np.uint64(starts[z2]), np.uint64(stops[z2])):
            total[np.uint32(others[k])] += weights[k]


@internal
def _add_paths(u, links, near, across, total, of_u, of_z2):
    """Add the paths from u to the scores of the input neurons."""
    pointers, ends, back_pointers, back_ends = links
    near_starts, near_stops, near_others, near_weights = near
    starts, stops, others, weights = across
    for i in range(near_starts[u], near_stops[u]):
        of_u[near_others[i]] = near_weights[i]
    for i in range(pointers[u], pointers[u + 1]):
        z2 = ends[i]
        for k in range(starts[z2], stops[z2]):
            of_z2[others[k]] = weights[k]
        for j in range(back_pointers[z2], back_pointers[z2 + 1]):
            z1 = back_ends[j]
            weight = of_u[z1]  # 0 for u itself
            for k in range(np.uint64(pointers[z1]), np.uint64(pointers[z1 + 1])):
                v = np.uint32(ends[k])
                total[v] += weight * of_z2[v]
        for k in range(starts[z2], stops[z2]):
            of_z2[others[k]] = 0
    for i in range(near_starts[u], near_stops[u]):
        of_u[near_others[i]] = 0


@internal
def _take_row(u, links, scratch, sieve, cells, kept, n_kept):
    """Append the candidates of row u that pass, and reset its scores; return the new number of candidates."""
    pointers, ends, back_pointers, _ = links
    total, _of_u, _of_z2, flags, listed = scratch
    for k in range(pointers[u], pointers[u + 1]):
        total[ends[k]] = 0
    n_kept = pick_row(u * (back_pointers.size - 1), total, sieve, flags, listed, cells, kept, n_kept)
    total[:] = 0
    return n_kept


@njit(nogil=True)
def pick_by_neurons(first, last, links, near, across, scratch, sieve, cells, kept):
    """Write the cells and node-based scores of the candidates in rows first..last that pass; return their number.

    ``near`` are the pairs of output neurons, grouped by seed; ``across`` are those of input neurons, grouped by member.
    """
    n_kept = np.int64(0)  # a literal would compile a second version of every function that gets it
    for u in range(first, last):
        _add_neurons(u, links, near, across, scratch[0])
        n_kept = _take_row(u, links, scratch, sieve, cells, kept, n_kept)
    return n_kept


@njit(nogil=True)
def pick_by_paths(first, last, links, near, across, scratch, sieve, cells, kept):
    """Do the same as `pick_by_neurons` for path-based scores."""
    n_kept = np.int64(0)
    for u in range(first, last):
        _add_paths(u, links, near, across, scratch[0], scratch[1], scratch[2])
        n_kept = _take_row(u, links, scratch, sieve, cells, kept, n_kept)
    return n_kept
