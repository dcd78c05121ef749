"""Graphs to test measures on, small enough for brute force."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from topolearn import BipartiteGraph
from topolearn.generators import make

NETWORKS = Path(__file__).parents[3] / "shared" / "data" / "networks"
needs_networks = pytest.mark.skipif(not NETWORKS.is_dir(), reason="the real networks are not available")

LAYERS = {
    "er": make("er", 40, 30, 0.08, seed=0),
    "er, in parts": make("er", 30, 40, 0.03, seed=1),
    "bsw": make("bsw", 36, 24, 0.15, beta=0.2, seed=0),
    "bsf": make("bsf", 40, 40, 0.1, seed=0),
    "dense": make("er", 12, 9, 0.8, seed=3),
}
ODD = {
    "no link": np.zeros((3, 4)),
    "one link": np.eye(3, 4) * [1, 0, 0, 0],
    "one cell": np.ones((1, 1)),
    "matching": np.eye(4),
    "star": np.ones((1, 5)),
    "tree": np.array([[1, 1, 0], [0, 1, 1]]),
    "complete": np.ones((3, 4)),
    "two parts": np.kron(np.eye(2), np.ones((2, 2))),
    "empty rows": np.pad(np.ones((2, 2)), 1),
}


def one_mode_graphs():
    """Return small one-mode graphs: with and without triangles."""
    return {
        "karate": nx.karate_club_graph(),
        "random": nx.gnm_random_graph(40, 70, seed=1),
        "tree": nx.balanced_tree(2, 4),
        "ring": nx.cycle_graph(9),
    }


def read_edges(name):
    """Read a real network as a networkx graph."""
    lines = (NETWORKS / name).read_text().splitlines()
    graph = nx.Graph()
    graph.add_nodes_from(range(int(lines[0].split()[2])))
    graph.add_edges_from(tuple(map(int, line.split()[:2])) for line in lines[1:])
    return graph


def read_pairs(name):
    """Read a real network with two sides."""
    pairs = [line.split("\t")[:2] for line in (NETWORKS / name).read_text().splitlines() if line]
    return BipartiteGraph.from_pairs(pairs)
