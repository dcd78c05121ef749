"""Kernels that walk the links row by row, for sparse layers of any size, with memory for one row of scores.

The scores of a row are summed in `total` of the scratch arrays; `scored` lists the neurons that have one.
"""

import numpy as np

from topolearn.compiling import internal, njit
from topolearn.linkpred.compiled.kernels.picking import pick


def make_scratch(n_out, n_in, dtype):
    """Return the scratch arrays of a thread; all counts and sums are zero before and after each row."""
    return (
        np.zeros(n_out, np.int32),  # shared: neighbours that an output neuron shares with the seed
        np.empty(n_out + 1, np.int32),  # near: the output neurons that share any
        np.zeros(n_in, np.int32),  # joined: neighbours that an input neuron shares with the current one
        np.empty(n_in + 1, np.int32),  # around: the input neurons that share any
        np.zeros(n_in, dtype),  # total: the scores
        np.empty(n_in + 1, np.int32),  # scored: the input neurons with a score
        np.zeros(n_in, np.uint8),  # marked: whether an input neuron is in `scored`
    )


@internal
def _count_outputs(u, links, scratch):
    """Count the neighbours that each output neuron shares with u; return the number of neurons that share any."""
    pointers, ends, back_pointers, back_ends = links
    shared, near = scratch[0], scratch[1]
    n = 0
    for i in range(pointers[u], pointers[u + 1]):
        z2 = ends[i]
        for j in range(back_pointers[z2], back_pointers[z2 + 1]):
            z1 = back_ends[j]
            near[n] = z1
            n += shared[z1] == 0
            shared[z1] += 1
    return n


@internal
def _count_inputs(u, z2, links, scratch):
    """Count the neighbours, other than u, that each input neuron shares with z2; return how many share any."""
    pointers, ends, back_pointers, back_ends = links
    joined, around = scratch[2], scratch[3]
    n = 0
    for j in range(back_pointers[z2], back_pointers[z2 + 1]):
        z1 = back_ends[j]
        if z1 == u:
            continue
        for k in range(pointers[z1], pointers[z1 + 1]):
            v = ends[k]
            around[n] = v
            n += joined[v] == 0
            joined[v] += 1
    return n


@internal
def sum_paths(u, links, table, far_table, scratch):
    """Sum the paths from u into the scratch; return the number of input neurons they reach."""
    pointers, ends, back_pointers, back_ends = links
    values, starts = table
    far_values, far_starts = far_table
    shared, near, joined, around, total, scored, marked = scratch
    n_near = _count_outputs(u, links, scratch)
    n_scored = 0
    for i in range(pointers[u], pointers[u + 1]):
        z2 = ends[i]
        n_around = _count_inputs(u, z2, links, scratch)
        start = far_starts[z2]
        for j in range(back_pointers[z2], back_pointers[z2 + 1]):
            z1 = back_ends[j]
            if z1 == u:
                continue
            weight = values[starts[z1] + shared[z1]]
            for k in range(pointers[z1], pointers[z1 + 1]):
                v = ends[k]
                total[v] += weight * far_values[start + joined[v]]
        for k in range(n_around):
            v = around[k]
            joined[v] = 0
            scored[n_scored] = v
            n_scored += 1 - marked[v]
            marked[v] = 1
    for k in range(n_near):
        shared[near[k]] = 0
    return n_scored


@internal
def sum_neurons(u, links, table, far_table, scratch):
    """Sum the neurons of the local communities of u into the scratch; return how many input neurons have a score."""
    pointers, ends, _, _ = links
    values, starts = table
    far_values, far_starts = far_table
    shared, near, joined, around, total, scored, marked = scratch
    n_near = _count_outputs(u, links, scratch)
    n_scored = 0
    for i in range(n_near):
        z1 = near[i]
        weight = values[starts[z1] + shared[z1]]
        shared[z1] = 0
        if z1 == u:
            continue
        for k in range(pointers[z1], pointers[z1 + 1]):
            v = ends[k]
            total[v] += weight
            scored[n_scored] = v
            n_scored += 1 - marked[v]
            marked[v] = 1
    for i in range(pointers[u], pointers[u + 1]):
        z2 = ends[i]
        n_around = _count_inputs(u, z2, links, scratch)
        for k in range(n_around):
            v = around[k]
            total[v] += far_values[far_starts[z2] + joined[v]]
            joined[v] = 0
    return n_scored


@njit(nogil=True)
def score_rows(first, last, per_path, links, table, far_table, scratch, scores):
    """Write ``scores[u - first]``, which must be 0, for u in first..last."""
    pointers, ends, _, _ = links
    total, scored, marked = scratch[4], scratch[5], scratch[6]
    for u in range(first, last):
        if per_path:
            n = sum_paths(u, links, table, far_table, scratch)
        else:
            n = sum_neurons(u, links, table, far_table, scratch)
        for k in range(pointers[u], pointers[u + 1]):
            total[ends[k]] = 0
        row = scores[u - first]
        for i in range(n):
            v = scored[i]
            row[v] = total[v]
            total[v] = 0
            marked[v] = 0


@njit(nogil=True)
def pick_rows(first, last, per_path, links, table, far_table, scratch, sieve, cells, kept):
    """Write the cells and scores of the candidates in rows first..last that pass; return their number."""
    pointers, ends, _, _ = links
    total, scored, marked = scratch[4], scratch[5], scratch[6]
    n_kept = 0
    for u in range(first, last):
        if per_path:
            n = sum_paths(u, links, table, far_table, scratch)
        else:
            n = sum_neurons(u, links, table, far_table, scratch)
        for k in range(pointers[u], pointers[u + 1]):
            total[ends[k]] = 0
        for i in range(n):
            v = scored[i]
            n_kept = pick(u * total.size + v, total[v], sieve, cells, kept, n_kept)
            total[v] = 0
            marked[v] = 0
    return n_kept
