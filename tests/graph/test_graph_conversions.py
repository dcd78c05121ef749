import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn import errors
from topolearn.graph import BipartiteGraph

FEW = examples(30)
pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")


def round_trips(graph):
    names = {"input_names": graph.input_names, "output_names": graph.output_names}
    scipy_formats = ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"]
    return {
        **{kind: BipartiteGraph(graph.to_scipy().asformat(kind), **names) for kind in scipy_formats},
        "numpy": BipartiteGraph(graph.to_scipy().toarray(), **names),
        "mask": BipartiteGraph(graph.to_torch(), **names),
        "torch csr": BipartiteGraph(graph.to_torch(layout="csr"), **names),
        "torch coo": BipartiteGraph(graph.to_torch(layout="csr").to_sparse_coo(), **names),
        "networkx": BipartiteGraph.from_networkx(graph.to_networkx()),
        "igraph": BipartiteGraph.from_igraph(graph.to_igraph()),
        "frame": BipartiteGraph.from_frame(graph.to_frame()),
    }


@FEW
@given(data=st.data())
def test_every_conversion_is_lossless(data, graphs):
    graph = data.draw(graphs())
    for kind, back in round_trips(graph).items():
        assert back == graph, kind


def test_hard_graphs_survive_every_conversion(table):
    for graph in table:
        for kind, back in round_trips(graph).items():
            assert back == graph, kind


def test_mask_and_csr_compute_what_the_adjacency_says(table):
    graph = table[0]
    dense = torch.tensor(graph.to_scipy().toarray())
    mask, csr = graph.to_torch(device="cpu"), graph.to_torch("cpu", layout="csr")
    assert mask.dtype == torch.bool
    assert torch.equal(mask, dense)
    assert csr.layout == torch.sparse_csr
    x = torch.arange(8.0).reshape(4, 2)
    assert torch.equal(csr @ x, dense.float() @ x)


def test_unknown_layout_names_the_known_ones(table):
    with pytest.raises(errors.UnknownNameError, match=r"unknown layout 'crs': did you mean 'csr'.*mask, csr"):
        table[0].to_torch(layout="crs")


def test_networkx_graph_has_sides_and_names(table):
    peer = table[0].to_networkx()
    assert type(peer) is nx.Graph
    assert dict(peer.nodes(data="bipartite")) == {i: int(i >= 4) for i in range(7)}
    assert peer.nodes[2]["name"] == "é☃🙂"
    assert sorted(peer.edges) == [(0, 5), (2, 5), (2, 6)]
    assert "name" not in table[1].to_networkx().nodes[0]
    assert table[1].to_networkx().nodes[4]["name"] == "yes"


def test_igraph_graph_has_sides_and_names(table):
    peer = table[0].to_igraph()
    assert peer.vs["type"] == [False] * 4 + [True] * 3
    assert peer.vs["name"] == [*table[0].input_names, *table[0].output_names]
    assert peer.get_edgelist() == [(0, 5), (2, 5), (2, 6)]
    assert peer.is_bipartite()
    assert "name" not in table[2].to_igraph().vs.attributes()


def test_foreign_networkx_graph_gives_its_labels_as_names():
    peer = nx.davis_southern_women_graph()
    graph = BipartiteGraph.from_networkx(peer)
    assert graph.input_names == tuple(peer.graph["top"])
    assert graph.output_names == tuple(peer.graph["bottom"])
    theirs = nx.bipartite.biadjacency_matrix(peer, peer.graph["bottom"], peer.graph["top"])
    assert (graph.to_scipy().toarray() == theirs.toarray()).all()


def test_default_labels_are_numbers_whatever_their_order():
    graph = BipartiteGraph.from_edges([(0, 1), (1, 0)], 2, 2)
    shuffled = nx.Graph([(3, 0), (2, 1)])
    nx.set_node_attributes(shuffled, {0: 0, 1: 0, 2: 1, 3: 1}, "bipartite")
    assert BipartiteGraph.from_networkx(shuffled) == graph
    assert BipartiteGraph.from_networkx(nx.MultiGraph(shuffled)) == graph


def test_other_integer_labels_become_names():
    peer = nx.Graph([(0, 1)])
    nx.set_node_attributes(peer, {0: 1, 1: 0}, "bipartite")
    graph = BipartiteGraph.from_networkx(peer)
    assert (graph.input_names, graph.output_names) == (("1",), ("0",))


def test_foreign_igraph_graph_keeps_vertex_order():
    peer = igraph.Graph(n=4, edges=[(0, 1), (3, 2)], vertex_attrs={"type": [1, 0, 1, 0], "name": [5, 6, 7, 8]})
    graph = BipartiteGraph.from_igraph(peer)
    assert graph.edges().tolist() == [[0, 0], [1, 1]]
    assert (graph.input_names, graph.output_names) == (("6", "8"), ("5", "7"))


def sided(graph, sides, **names):
    nx.set_node_attributes(graph, sides, "bipartite")
    nx.set_node_attributes(graph, names, "name")
    return graph


@pytest.mark.parametrize(
    ("peer", "error", "message"),
    [
        (nx.path_graph(2), errors.InvalidValueError, "node 0 has bipartite=None: set 0 for inputs, 1 for outputs"),
        (sided(nx.Graph([("a", "b")]), {"a": 0, "b": 2}), errors.InvalidValueError, "node 'b' has bipartite=2"),
        (sided(nx.Graph([("a", "b")]), {"a": np.array([0, 1]), "b": 1}), errors.InvalidValueError, "node 'a' has bipa"),
        (sided(nx.Graph([("a", "b")]), {"a": "0", "b": [1]}), errors.InvalidValueError, "node 'a' has bipartite='0'"),
        (
            sided(nx.Graph([("a", "b"), ("b", "c")]), {"a": 0, "b": 0, "c": 1}),
            errors.InvalidValueError,
            "the link 'a' - 'b' joins two nodes of one side",
        ),
        (
            sided(nx.Graph([("a", "b"), ("b", "b")]), {"a": 0, "b": 1}),
            errors.InvalidValueError,
            "the link 'b' - 'b' joins two nodes of one side",
        ),
        (
            sided(nx.MultiGraph([("a", "b"), ("b", "a")]), {"a": 0, "b": 1}),
            errors.InvalidValueError,
            "the link 'a' - 'b' appears twice",
        ),
        (
            sided(nx.Graph([("a", "b"), ("c", "b")]), {"a": 0, "b": 1, "c": 0}, a="Anna"),
            errors.InvalidValueError,
            "'c' has no name, but others on its side have one: name all of them or none",
        ),
        (sided(nx.Graph([(1, "b"), ("1", "b")]), {1: 0, "1": 0, "b": 1}), errors.InvalidValueError, "'1' repeats"),
        (sided(nx.empty_graph(2), 0), errors.InvalidValueError, "n_in=2, n_out=0: each side needs"),
        (nx.DiGraph([(0, 1)]), errors.InvalidTypeError, r"the graph is directed: pass graph.to_undirected"),
        ("graph", errors.InvalidTypeError, "graph is a str: pass a networkx.Graph"),
    ],
)
def test_bad_networkx_graphs_are_rejected(peer, error, message):
    with pytest.raises(error, match=message):
        BipartiteGraph.from_networkx(peer)


@pytest.mark.parametrize(
    ("peer", "error", "message"),
    [
        (
            igraph.Graph.Ring(4),
            errors.InvalidValueError,
            "node 0 has type=None: set False for inputs, True",
        ),
        (
            igraph.Graph(edges=[(0, 1)], n=3, vertex_attrs={"type": [True, True, False]}),
            errors.InvalidValueError,
            "the link 0 - 1 joins two nodes of one side",
        ),
        (
            igraph.Graph(edges=[(0, 1), (1, 0)], vertex_attrs={"type": [False, True]}),
            errors.InvalidValueError,
            "the link 0 - 1 appears twice",
        ),
        (igraph.Graph(n=2, directed=True), errors.InvalidTypeError, "the graph is directed"),
        (nx.Graph(), errors.InvalidTypeError, "graph is a Graph: pass an igraph.Graph"),
    ],
)
def test_bad_igraph_graphs_are_rejected(peer, error, message):
    with pytest.raises(error, match=message):
        BipartiteGraph.from_igraph(peer)


def test_frame_has_names_and_survives_selection(table):
    frame = table[0].to_frame()
    assert list(frame.columns) == ["input", "output", "input_name", "output_name"]
    assert frame["input_name"].tolist() == [" lead", "é☃🙂", "é☃🙂"]
    selected = BipartiteGraph.from_frame(frame[frame["input"] == 2])
    assert selected.edges().tolist() == [[2, 1], [2, 2]]
    assert selected.input_names == table[0].input_names
    assert list(table[2].to_frame().columns) == ["input", "output"]


def test_foreign_frame_needs_sizes():
    frame = pd.DataFrame({"output": [1], "input": [2], "weight": [0.5]})
    graph = BipartiteGraph.from_frame(frame, n_in=3, n_out=2, input_names=list("abc"))
    assert graph == BipartiteGraph.from_edges([(2, 1)], 3, 2, input_names=list("abc"))
    with pytest.raises(errors.InvalidValueError, match=r"n_out is not in frame.attrs: pass from_frame"):
        BipartiteGraph.from_frame(frame, n_in=3)
    with pytest.raises(errors.InvalidValueError, match=r"column 'input' is not in \['source'\]: rename"):
        BipartiteGraph.from_frame(pd.DataFrame({"source": [1]}), 3, 2)
    with pytest.raises(errors.InvalidTypeError, match="has dtype float64"):
        BipartiteGraph.from_frame(frame.astype(float), 3, 2)
    with pytest.raises(errors.InvalidTypeError, match="frame is a dict: pass a pandas DataFrame"):
        BipartiteGraph.from_frame({"input": [0], "output": [0]}, 3, 2)


def test_pairs_of_names():
    pairs = [("b", "x"), ("a", "x"), ("b", "y"), ("b", "x"), ("x", "x")]
    graph = BipartiteGraph.from_pairs(pairs)
    assert (graph.input_names, graph.output_names) == (("b", "a", "x"), ("x", "y"))
    assert graph.edges().tolist() == [[0, 0], [0, 1], [1, 0], [2, 0]]
    assert BipartiteGraph.from_pairs(iter(pairs)) == graph


@pytest.mark.parametrize("pairs", [["ab", "cd"], [b"ab"], [1, 2], [("a", "b"), None], "ab", 5, None], ids=repr)
def test_neither_strings_nor_numbers_are_pairs(pairs):
    with pytest.raises(errors.InvalidTypeError, match=r"pass (a sequence of )?pairs of names, \(input, output\)"):
        BipartiteGraph.from_pairs(pairs)


@pytest.mark.parametrize(
    ("pairs", "message"), [([], "no pairs"), ([("a", "b"), ("a",)], "entry 1 is"), ([("a", "b", "c")], "entry 0 is")]
)
def test_what_is_no_pair_is_rejected(pairs, message):
    with pytest.raises(errors.InvalidValueError, match=message):
        BipartiteGraph.from_pairs(pairs)
