"""Kernels for node-based scores of layers with few input neurons and many output neurons.

Most neurons of a local community share a single neighbour with the seed u. So the scores of u are first summed as if
all did, from a matrix of weights between input neurons; then those that share more are corrected. Sums are in float64,
as corrections may be negative.
"""

import numpy as np

from topolearn.compiling import internal, njit
from topolearn.linkpred.compiled.kernels.picking import pick_row


@njit(nogil=True)
def weigh_inputs(links, table, far_table, weights):
    """Fill the sums of the weights of neurons that have links to input z2 and lead to input v, shape (n_in, n_in).

    These are the output neurons linked to both, as if z2 were their only neighbour shared with the seed; and z2 itself,
    for v as a seed.
    """
    pointers, ends, back_pointers, back_ends = links
    values, starts = table
    far_values, far_starts = far_table
    n_in = back_pointers.size - 1
    joined = np.zeros(n_in, np.int64)
    for z2 in range(n_in):
        for j in range(back_pointers[z2], back_pointers[z2 + 1]):
            z1 = back_ends[j]
            single = values[starts[z1] + 1]
            for k in range(pointers[z1], pointers[z1 + 1]):
                weights[z2, ends[k]] += single
                joined[ends[k]] += 1
        joined[z2] = 0
        for v in range(n_in):
            weights[z2, v] += far_values[far_starts[z2] + joined[v]]
            joined[v] = 0


def make_scratch(n_out, n_in, dtype):
    """Return the scratch arrays of a thread; all counts are zero before and after each row."""
    return (
        np.zeros(n_out, np.uint16),  # shared: neighbours that an output neuron shares with the seed
        np.empty(n_in, np.float64),  # total: the sums
        np.empty(n_in, dtype),  # scores
        np.empty(n_in, np.uint8),  # flags, for `pick_row`
        np.empty(n_in + 1, np.int32),  # listed, for `pick_row`
    )


@internal
def _add_single(u, links, weights, shared, total):
    """Sum the weights as if each neuron shared a single neighbour with u, and count how many each shares."""
    pointers, ends, back_pointers, back_ends = links
    total[:] = 0
    for i in range(pointers[u], pointers[u + 1]):
        z2 = ends[i]
        row = weights[z2]
        for v in range(total.size):
            total[v] += row[v]
        for j in range(np.uint64(back_pointers[z2]), np.uint64(back_pointers[z2 + 1])):
            shared[np.uint32(back_ends[j])] += np.uint16(1)


@internal
def _correct(u, links, table, shared, total):
    """Correct the sums for the neurons that share several neighbours with u, and reset the counts."""
    pointers, ends, back_pointers, back_ends = links
    values, starts = table
    for i in range(pointers[u], pointers[u + 1]):
        z2 = ends[i]
        for j in range(np.uint64(back_pointers[z2]), np.uint64(back_pointers[z2 + 1])):
            z1 = np.uint32(back_ends[j])
            n = np.int64(shared[z1])
            shared[z1] = 0
            if n > 1:
                start = starts[z1]
                more = np.float64(values[start + n]) - n * np.float64(values[start + 1])
                for k in range(pointers[z1], pointers[z1 + 1]):
                    total[ends[k]] += more


@njit(nogil=True)
def pick_by_inputs(first, last, links, table, weights, scratch, sieve, cells, kept):
    """Write the cells and node-based scores of the candidates in rows first..last that pass; return their number."""
    pointers, ends, _, _ = links
    shared, total, scores, flags, listed = scratch
    n_kept = np.int64(0)  # a literal would compile a second version of every function that gets it
    for u in range(first, last):
        _add_single(u, links, weights, shared, total)
        _correct(u, links, table, shared, total)
        for k in range(pointers[u], pointers[u + 1]):
            total[ends[k]] = 0
        for v in range(total.size):
            scores[v] = total[v]
        n_kept = pick_row(u * total.size, scores, sieve, flags, listed, cells, kept, n_kept)
    return n_kept
