"""`as_graph`: every kind of graph, and the error for one that is unclear."""

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from topolearn import errors
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork, as_graph

KARATE = nx.karate_club_graph()


def test_as_graph_reads_every_kind_of_graph():
    graph, layer = Graph.from_networkx(KARATE), BipartiteGraph(np.eye(3))
    links = nx.to_numpy_array(KARATE)
    sources = pd.DataFrame({"source": ["a"], "target": ["b"]})
    for same in (graph, KARATE, igraph.Graph.from_networkx(KARATE), graph.to_frame()):
        assert as_graph(same) == graph
    for matrix in (links, sparse.csr_array(links), torch.tensor(links)):
        assert as_graph(matrix, sides=1) == graph
        assert as_graph(matrix, sides=2) == BipartiteGraph(links)
    for same in (layer, np.eye(3), layer.to_networkx(), layer.to_igraph(), layer.to_frame(), layer.to_torch()):
        assert as_graph(same) == layer
    assert as_graph(sources, sides=1) == Graph([(0, 1)], 2, names=["a", "b"])
    assert as_graph(sources, sides=2).shape == (1, 1)
    network = LayeredNetwork({"a": layer})
    assert as_graph(network, sides=1) is network
    assert as_graph(np.zeros((3, 3))) == BipartiteGraph(np.zeros((3, 3)))


@pytest.mark.parametrize("sides", [3, 0, "1", True, 1.0, [1]], ids=repr)
@pytest.mark.parametrize("given", [np.eye(3), KARATE, pd.DataFrame({"input": [0], "output": [0]})], ids=type)
def test_unknown_numbers_of_sides_are_rejected(given, sides):
    with pytest.raises(errors.InvalidValueError, match=r"sides=.* must be one of None, 1, 2"):
        as_graph(given, sides=sides)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (nx.to_numpy_array(KARATE), errors.InvalidValueError, r"Graph.from_adjacency\(matrix\) or BipartiteGraph"),
        (
            pd.DataFrame({"source": ["a"], "target": ["b"]}),
            errors.InvalidValueError,
            r"Graph.from_frame\(frame.*or BipartiteGraph.from_pairs",
        ),
        (pd.DataFrame({"x": [1]}), errors.InvalidValueError, r"columns input and output.*not \['x'\]"),
        (nx.DiGraph([(0, 1)]), errors.InvalidTypeError, "symmetrise=True"),
        ("file.csv", errors.InvalidTypeError, "a str is not a graph"),
        ([(0, 1)], errors.InvalidTypeError, "a list is not a graph"),
    ],
)
def test_ambiguous_graphs_raise_and_name_the_options(given, error, message):
    with pytest.raises(error, match=message):
        as_graph(given)
