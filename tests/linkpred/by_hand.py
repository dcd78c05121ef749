"""Every predictor from its definition: paths enumerated one by one, and neurons counted by kind."""

import itertools
from math import sqrt

import numpy as np

PER_PATH = {
    "ch3_l3p": lambda d, di, de: 1 / sqrt(1 + de),
    "ch2_l3p": lambda d, di, de: sqrt((1 + di) / (1 + de)),
    "ch1_l3": lambda d, di, de: sqrt(di / d),
    "ra_l3": lambda d, di, de: 1 / sqrt(d),
}
PER_NODE = {
    "ch3_l3n": lambda d, di, de: 1 / (1 + de),
    "ch2_l3n": lambda d, di, de: (1 + di) / (1 + de),
    "ch31_l3n": lambda d, di, de: (1 + di) / (1 + de) ** (1 + de / (1 + de)),
}


def scores_by_hand(adjacency, predictor):
    """The scores of one layer, from walks over the whole graph with both sides as one set of nodes."""
    n_out, n_in = adjacency.shape
    near = {("out", i): {("in", j) for j in range(n_in) if adjacency[i, j]} for i in range(n_out)}
    near |= {("in", j): {("out", i) for i in range(n_out) if adjacency[i, j]} for j in range(n_in)}
    scores = np.zeros(adjacency.shape)
    for i, j in itertools.product(range(n_out), range(n_in)):
        scores[i, j] = _score_of_pair(near, ("out", i), ("in", j), predictor)
    return scores


def one_mode_by_hand(graph, predictor):
    """The scores of all pairs of nodes of a networkx graph, in the order of its nodes."""
    near = {node: set(graph[node]) for node in graph}
    scores = np.zeros((len(near), len(near)))
    for (i, u), (j, v) in itertools.permutations(enumerate(near), 2):
        scores[i, j] = _score_of_pair(near, u, v, predictor)
    return scores


def _score_of_pair(near, u, v, predictor):
    """The score of two nodes, 0 if they are linked, from the neighbours of every node."""
    if v in near[u]:
        return 0.0
    paths = [(a, b) for a in near[u] for b in near[a] if v in near[b] and len({u, a, b, v}) == 4]
    between = set().union(*paths)
    counts = {z: (len(near[z]), len(near[z] & between), len(near[z] - between - {u, v})) for z in between}
    if predictor in PER_NODE:
        return sum(PER_NODE[predictor](*counts[z]) for z in between)
    weight = PER_PATH[predictor]
    return sum(weight(*counts[a]) * weight(*counts[b]) for a, b in paths)
