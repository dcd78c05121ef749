"""Kernels for one-mode graphs, where members of a local community may be linked to both seeds and to one another.

Internal links are counted for one pair of nodes at a time, over the neighbours of the members.
"""

import numpy as np

from topolearn.compiling import internal, njit
from topolearn.linkpred.compiled.kernels.picking import pick


def make_scratch(n, dtype):
    """Return the scratch arrays of a thread; all counts and marks are zero before and after each node."""
    return (
        np.zeros(n, np.int32),  # common: neighbours that a node shares with u
        np.empty(n + 1, np.int32),  # near: the nodes that share any
        np.empty(n, np.int32),  # candidates: the nodes joined to u by a path of length three
        np.zeros(n, np.uint8),  # marked: the neighbours of u
        np.zeros(n, np.uint8),  # is_member: in the local community of u and v
        np.empty(n + 1, np.int32),  # members: of this community
        np.zeros(n, dtype),  # weights: of the members
    )


@internal
def _find_pairs(u, pointers, ends, common, near, candidates, marked):
    """List the later non-neighbours joined to u by a path of length three; count common neighbours with u."""
    n_near, n_candidates = 0, 0
    for i in range(pointers[u], pointers[u + 1]):
        a = ends[i]
        marked[a] = 1
        for j in range(pointers[a], pointers[a + 1]):
            b = ends[j]
            near[n_near] = b
            n_near += common[b] == 0
            common[b] += 1
    for i in range(n_near):
        b = near[i]
        if b == u:
            continue
        for j in range(pointers[b], pointers[b + 1]):
            v = ends[j]
            if v > u and marked[v] == 0:
                marked[v] = 2
                candidates[n_candidates] = v
                n_candidates += 1
    for i in range(n_candidates):
        marked[candidates[i]] = 0
    return n_near, n_candidates


@internal
def _score_pair(v, per_path, pointers, ends, tables, common, of_u, is_member, members, weights):
    """Return the score of u and v; ``of_u`` marks the neighbours of u, ``common`` counts those shared with others."""
    values, starts, both_values, both_starts = tables
    n = 0
    for i in range(pointers[v], pointers[v + 1]):
        b = ends[i]
        if common[b] == 0:
            continue
        members[n] = b
        n += is_member[b] == 0
        is_member[b] |= 1
        for j in range(pointers[b], pointers[b + 1]):
            a = ends[j]
            if of_u[a]:
                members[n] = a
                n += is_member[a] == 0
                is_member[a] |= 2
    for i in range(pointers[v], pointers[v + 1]):
        is_member[ends[i]] |= 4 * (is_member[ends[i]] > 0)
    score = weights[0] * 0
    for i in range(n):
        z = members[i]
        internal = 0
        for j in range(pointers[z], pointers[z + 1]):
            internal += is_member[ends[j]] > 0
        if of_u[z] and is_member[z] & 4:
            weights[z] = both_values[both_starts[z] + internal]
        else:
            weights[z] = values[starts[z] + internal]
        if not per_path:
            score += weights[z]
    if per_path:
        for i in range(pointers[v], pointers[v + 1]):
            b = ends[i]
            if common[b] == 0:
                continue
            sum_a = weights[0] * 0
            for j in range(pointers[b], pointers[b + 1]):
                if of_u[ends[j]]:
                    sum_a += weights[ends[j]]
            score += weights[b] * sum_a
    for i in range(n):
        is_member[members[i]] = 0
    return score


@njit(nogil=True)
def score_nodes(first, last, per_path, links, tables, scratch, scores):
    """Write the score of u and each later v to ``scores[u, v]`` and ``scores[v, u]``, for u in first..last."""
    pointers, ends = links
    common, near, candidates, marked, is_member, members, weights = scratch
    for u in range(first, last):
        n_near, n_candidates = _find_pairs(u, pointers, ends, common, near, candidates, marked)
        for i in range(n_candidates):
            v = candidates[i]
            score = _score_pair(v, per_path, pointers, ends, tables, common, marked, is_member, members, weights)
            scores[u, v] = score
            scores[v, u] = score
        _forget(u, n_near, pointers, ends, common, near, marked)


@njit(nogil=True)
def pick_nodes(first, last, per_path, links, tables, scratch, cell_starts, sieve, cells, kept):
    """Write the cells and scores of the pairs (u, v), u in first..last, v later, that pass; return their number."""
    pointers, ends = links
    common, near, candidates, marked, is_member, members, weights = scratch
    n_kept = 0
    for u in range(first, last):
        n_near, n_candidates = _find_pairs(u, pointers, ends, common, near, candidates, marked)
        for i in range(n_candidates):
            v = candidates[i]
            score = _score_pair(v, per_path, pointers, ends, tables, common, marked, is_member, members, weights)
            n_kept = pick(cell_starts[u] + v, score, sieve, cells, kept, n_kept)
        _forget(u, n_near, pointers, ends, common, near, marked)
    return n_kept


@internal
def _forget(u, n_near, pointers, ends, common, near, marked):
    """Reset the counts and marks of u to zero."""
    for i in range(n_near):
        common[near[i]] = 0
    for i in range(pointers[u], pointers[u + 1]):
        marked[ends[i]] = 0
