"""One-mode graphs: their properties, validation, files and conversions to other libraries."""

import contextlib
import copy
import pickle

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import io, sparse

import topolearn as tl
from tests.graph.conftest import TEXT
from tests.profiles import examples
from topolearn import errors
from topolearn.graph import BipartiteGraph, Graph, read_graph
from topolearn.graph.stored_arrays import write_csr

SUFFIXES = [".npz", ".mtx", ".csv", ".graphml"]
every_suffix = pytest.mark.parametrize("suffix", SUFFIXES)
NAMED = Graph([(0, 3), (2, 3)], 5, names=[" lead", "a,b #x", "é☃🙂", "<&>\"'", "0"])
TABLE = [NAMED, Graph([], 3), Graph([(1, 0)], 2), Graph([], 2, names=["no", "yes"])]
KARATE = nx.karate_club_graph()


@st.composite
def drawn_graphs(draw):
    n = draw(st.integers(2, 7))
    cells = draw(st.lists(st.integers(0, n * (n - 1) // 2 - 1), unique=True))
    return Graph.from_cells(cells, n, names=draw(st.none() | st.lists(TEXT, min_size=n, max_size=n, unique=True)))


def round_trips(graph):
    names, links = {"names": graph.names}, graph.to_scipy()
    formats = ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"]
    return {
        **{kind: Graph.from_adjacency(links.asformat(kind), **names) for kind in formats},
        "numpy": Graph.from_adjacency(links.toarray(), **names),
        "mask": Graph.from_adjacency(graph.to_torch(), **names),
        "torch csr": Graph.from_adjacency(graph.to_torch(layout="csr"), **names),
        "one triangle": Graph.from_adjacency(np.triu(links.toarray()), **names, symmetrise=True),
        "networkx": Graph.from_networkx(graph.to_networkx()),
        "igraph": Graph.from_igraph(graph.to_igraph()),
        "frame": Graph.from_frame(graph.to_frame()),
        "pickle": pickle.loads(pickle.dumps(graph)),
        "cells": Graph.from_cells(graph.cells[::-1], graph.n_nodes, **names),
        "edges": Graph(graph.edges()[::-1, ::-1], graph.n_nodes, **names),
    }


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@examples(25)
@given(graph=drawn_graphs())
def test_every_conversion_is_lossless(graph):
    for kind, back in round_trips(graph).items():
        assert back == graph, kind
        assert hash(back) == hash(graph)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@pytest.mark.parametrize("graph", TABLE, ids=repr)
def test_hard_graphs_survive_every_conversion(graph):
    for kind, back in round_trips(graph).items():
        assert back == graph, kind


@examples(25)
@given(graph=drawn_graphs())
def test_numbers_are_those_of_networkx(graph):
    theirs = graph.to_networkx()
    assert graph.degrees.tolist() == [degree for _, degree in theirs.degree]
    assert graph.density == pytest.approx(nx.density(theirs))
    assert graph.n_links == theirs.number_of_edges()
    neighbours = np.split(graph.indices, graph.indptr[1:-1])
    assert [sorted(theirs[node]) for node in theirs] == [each.tolist() for each in neighbours]
    np.testing.assert_array_equal(graph.to_scipy().toarray(), nx.to_numpy_array(theirs) > 0)


def test_repr_describes_the_graph():
    assert repr(NAMED) == "Graph(5 nodes, 2 links, density 20.00%, degrees 0-2)"
    assert repr(Graph([], 3)) == "Graph(3 nodes, no links)"
    assert repr(Graph.from_igraph(igraph.Graph.Ring(4))) == "Graph(4 nodes, 4 links, density 66.67%, degrees 2)"
    assert tl.Graph is Graph


def test_a_graph_never_changes():
    for name in ("names", "cells", "colour"):
        with pytest.raises(AttributeError, match="Graph is immutable"):
            setattr(NAMED, name, None)
    for array in (NAMED.cells, NAMED.indices, NAMED.indptr, NAMED.degrees):
        with pytest.raises(ValueError, match="read-only"):
            array[:1] = 0
    NAMED.to_scipy().data[:] = False
    NAMED.edges()[:] = 0
    assert NAMED.edges().tolist() == [[0, 3], [2, 3]]
    assert copy.copy(NAMED) is copy.deepcopy(NAMED) is NAMED


@pytest.mark.parametrize("dtype", ["int32", "Int64", "UInt8"])
def test_tables_of_any_integers_are_read(dtype):
    frame = pd.DataFrame({"node": [0, 1], "other": [1, 2]}, dtype=dtype)
    assert Graph.from_frame(frame, 3) == Graph([(0, 1), (1, 2)], 3)
    assert Graph.from_frame(frame.astype({"node": "int64"}), 3) == Graph([(0, 1), (1, 2)], 3)
    layer = BipartiteGraph.from_frame(frame.rename(columns={"node": "input", "other": "output"}), 2, 3)
    assert layer.edges().tolist() == [[0, 1], [1, 2]]


def test_equal_are_graphs_of_the_same_nodes_links_and_names():
    path = Graph([(0, 1), (1, 2)], 3)
    different = [Graph([(0, 1), (0, 2)], 3), Graph([(0, 1), (1, 2)], 4), Graph([(0, 1), (1, 2)], 3, names=[*"abc"])]
    assert all(path != other for other in different)
    assert path != BipartiteGraph(path.to_scipy())
    assert len({path, Graph([(2, 1), (1, 0)], 3), *different}) == 4


def test_where_a_graph_comes_from_stays_with_it():
    assert NAMED.source is None
    read = NAMED.with_source("a file")
    assert read == NAMED
    assert (pickle.loads(pickle.dumps(read)).source, NAMED.source) == ("a file", None)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Graph([(0, 1.5)], 3), errors.InvalidTypeError, "has dtype float64"),
        (lambda: Graph([0, 1], 3), errors.InvalidValueError, r"edges has shape \(2,\): pass \(k, 2\) rows"),
        (lambda: Graph([(0, 1), (1, 0)], 3), errors.InvalidValueError, r"edges\[1\] = \[1, 0\] repeats edges\[0\]"),
        (
            lambda: Graph([(0, 1), (1, 0)], 2, names=["ann", "bob"]),
            errors.InvalidValueError,
            r"edges\[1\] = \[1, 0\] \('bob' - 'ann'\) repeats",
        ),
        (
            lambda: Graph.from_networkx(nx.MultiGraph([("ann", "bob"), ("bob", "ann")])),
            errors.InvalidValueError,
            r"the link 'ann' - 'bob' appears 2 times: pass nx.Graph\(graph\)",
        ),
        (
            lambda: Graph.from_networkx(nx.MultiDiGraph([(0, 1), (1, 0), (1, 0)]), symmetrise=True),
            errors.InvalidValueError,
            r"the link 1 - 0 appears 2 times: pass nx.DiGraph\(graph\)",
        ),
        (
            lambda: Graph.from_igraph(igraph.Graph([(0, 1), (1, 0), (0, 1)])),
            errors.InvalidValueError,
            r"the link 0 - 1 appears 3 times: call graph.simplify\(\)",
        ),
        (
            lambda: Graph.from_pairs([("ann", "bob"), ("bob", "ann")]),
            errors.InvalidValueError,
            "the link 'ann' - 'bob' appears 2 times: pass symmetrise=True",
        ),
        (
            lambda: Graph.from_pairs([("bob", "ann"), ("bob", "ann")], symmetrise=True),
            errors.InvalidValueError,
            "the link 'bob' - 'ann' appears 2 times: pass each pair once",
        ),
        (
            lambda: Graph.from_frame(pd.DataFrame({"node": [0, 1], "other": [1, None]}), 3),
            errors.InvalidValueError,
            r"row 1 of the table is .*: remove rows without both ends, with frame.dropna\(\)",
        ),
        (lambda: Graph([(0, 1)], 2.5), errors.InvalidTypeError, "n_nodes=2.5"),
        (lambda: Graph([(0, 1)], 2, names="ab"), errors.InvalidTypeError, "names='ab': pass a sequence of 2"),
        (lambda: Graph([(0, 1)], 2, names=["a", "a"]), errors.InvalidValueError, "names must be unique"),
        (lambda: Graph([(0, 1)], True), errors.InvalidTypeError, "n_nodes=True"),
        (
            lambda: Graph(np.array([[2**64 - 1, 0]], np.uint64), 3),
            errors.InvalidValueError,
            r"edges\[0\] = \[18446744073709551615, 0\] has the node 18446744073709551615: nodes are 0\.\.2",
        ),
        (lambda: Graph([(0, -1)], 3), errors.InvalidValueError, r"has the node -1: nodes are 0\.\.2"),
        (lambda: Graph.from_cells([3], 3), errors.InvalidValueError, r"cells\[0\] = 3 is out of range.*0\.\.2"),
        (lambda: Graph.from_cells([1, 1], 3), errors.InvalidValueError, "each link must appear once"),
        (lambda: Graph.from_adjacency(np.ones((2, 3))), errors.InvalidValueError, "is not square.*BipartiteGraph"),
        (lambda: Graph.from_adjacency(np.eye(2)), errors.InvalidValueError, r"adjacency\[0, 0\].*2 self-loops"),
        (
            lambda: Graph.from_adjacency(np.triu(np.ones((3, 3)), 1)),
            errors.InvalidValueError,
            r"adjacency\[0, 1\] is a link but adjacency\[1, 0\] is not: 3 of 3.*symmetrise=True",
        ),
        (lambda: Graph.from_networkx("graph"), errors.InvalidTypeError, "graph is a str"),
        (lambda: Graph.from_networkx(nx.DiGraph([(0, 1)])), errors.InvalidTypeError, "directed.*symmetrise=True"),
        (
            lambda: Graph.from_igraph(igraph.Graph([(0, 1)], directed=True)),
            errors.InvalidTypeError,
            "directed.*symmetrise=True",
        ),
        (lambda: Graph.from_pairs([]), errors.InvalidValueError, "there are no pairs"),
        (lambda: Graph.from_pairs([("a",)]), errors.InvalidValueError, "entry 0 is"),
        (lambda: Graph.from_pairs(["ab", "cd"]), errors.InvalidTypeError, "entry 0 is 'ab': pass pairs of names"),
        (lambda: Graph.from_pairs([1, 2]), errors.InvalidTypeError, "entry 0 is 1: pass pairs of names"),
        (lambda: Graph.from_pairs("ab"), errors.InvalidTypeError, "pairs='ab': pass a sequence of pairs"),
        (lambda: Graph.from_pairs(5), errors.InvalidTypeError, "pairs=5: pass a sequence of pairs"),
        (lambda: Graph.from_frame({"node": [0]}), errors.InvalidTypeError, "frame is a dict: pass a pandas DataFrame"),
        (
            lambda: Graph.from_igraph(igraph.Graph([(0, 1)], n=3, vertex_attrs={"name": ["a", None, "c"]})),
            errors.InvalidValueError,
            "node 1 has no name, but others have one: name all of them or none",
        ),
        (lambda: Graph.from_pairs([("a", "b")], names=["a", "c"]), errors.InvalidValueError, "'b' is not among"),
        (
            lambda: Graph.from_frame(pd.DataFrame({"node": [0], "other": [1]})),
            errors.InvalidValueError,
            "n_nodes is not in frame.attrs",
        ),
        (lambda: Graph.from_frame(pd.DataFrame({"a": [0]})), errors.InvalidValueError, "column 'node' is not in"),
    ],
)
def test_invalid_graphs_are_rejected(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_directions_are_dropped_by_option_only():
    both_ways = nx.DiGraph([("a", "b"), ("b", "a"), ("c", "b")])
    graph = Graph.from_networkx(both_ways, symmetrise=True)
    assert (graph.names, graph.edges().tolist()) == (("a", "b", "c"), [[0, 1], [1, 2]])
    directed = igraph.Graph([(0, 1), (1, 0), (2, 1)], directed=True)
    assert Graph.from_igraph(directed, symmetrise=True).edges().tolist() == [[0, 1], [1, 2]]
    assert Graph.from_pairs([("a", "b"), ("b", "a")], symmetrise=True).n_links == 1
    with pytest.raises(errors.InvalidValueError, match="the link 0 - 1 appears 2 times"):  # in one direction
        Graph.from_networkx(nx.MultiDiGraph([(0, 1), (0, 1)]), symmetrise=True)


def test_names_come_from_labels_and_attributes():
    assert Graph.from_networkx(KARATE).names is None
    assert Graph.from_networkx(nx.Graph([(1, 2), (2, 3)])).names == ("1", "2", "3")
    assert Graph.from_networkx(nx.Graph([(1, 0)])).names == ("1", "0")  # in the order of the graph
    titled = nx.Graph([(0, 1)])
    nx.set_node_attributes(titled, {0: "Ann", 1: "Bob"}, "name")
    assert Graph.from_networkx(titled).names == ("Ann", "Bob")
    assert Graph.from_igraph(igraph.Graph.TupleList([("x", "y")])).names == ("x", "y")
    frame = pd.DataFrame({"source": ["b", "a"], "target": ["a", "c"]})
    assert Graph.from_frame(frame, source="source", target="target").names == ("b", "a", "c")
    with_more = Graph.from_frame(frame, source="source", target="target", names=["a", "b", "c", "d"])
    assert with_more == Graph([(0, 1), (0, 2)], 4, names=[*"abcd"])


@examples(15)
@given(graph=drawn_graphs())
@every_suffix
def test_files_are_lossless(suffix, graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / f"graph{suffix}"
    graph.save(path)
    assert Graph.load(str(path)) == graph


@every_suffix
def test_hard_graphs_survive_in_files_and_replace_each_other(suffix, tmp_path):
    path = tmp_path / f"graph{suffix}"
    for graph in TABLE:
        graph.save(path)
        assert Graph.load(path) == graph
    assert list(tmp_path.iterdir()) == [path]


@every_suffix
def test_a_truncated_file_is_rejected_or_whole(suffix, tmp_path):
    path = tmp_path / f"graph{suffix}"
    NAMED.save(path)
    whole = path.read_bytes()
    for length in {*range(0, len(whole), max(1, len(whole) // 40)), *range(len(whole) - 12, len(whole))}:
        path.write_bytes(whole[:length])
        with contextlib.suppress(errors.CorruptFileError):
            assert Graph.load(path) == NAMED


@every_suffix
def test_files_of_the_other_kind_of_graph_are_rejected(suffix, tmp_path):
    for names in (["a", "b"], None):  # without names its matrix is that of a one-mode graph
        layer = BipartiteGraph.from_edges([(0, 1), (1, 0)], 2, 2, input_names=names)
        layer.save(tmp_path / f"layer{suffix}")
        assert BipartiteGraph.load(tmp_path / f"layer{suffix}") == layer
        with pytest.raises(errors.CorruptFileError, match=r"two sides|begin with"):
            Graph.load(tmp_path / f"layer{suffix}")
    NAMED.save(tmp_path / f"graph{suffix}")
    with pytest.raises(errors.CorruptFileError):
        BipartiteGraph.load(tmp_path / f"graph{suffix}")


def test_files_of_earlier_versions_are_read(tmp_path):
    """They do not say that a graph has two sides."""
    layer = BipartiteGraph.from_edges([(0, 1), (1, 0)], 2, 2)
    write_csr(tmp_path / "layer.npz", layer.to_scipy())
    assert BipartiteGraph.load(tmp_path / "layer.npz") == read_graph(tmp_path / "layer.npz") == layer
    assert Graph.load(tmp_path / "layer.npz") == Graph([(0, 1)], 2)


def test_other_programs_read_the_files_and_theirs_are_read(tmp_path):
    for suffix in SUFFIXES:
        NAMED.save(tmp_path / f"graph{suffix}")
    dense = NAMED.to_scipy().toarray()
    assert (sparse.load_npz(tmp_path / "graph.npz").toarray() == dense).all()
    assert (io.mmread(tmp_path / "graph.mtx").toarray() == dense).all()
    peer = nx.read_graphml(tmp_path / "graph.graphml", node_type=int)
    assert (dict(peer.nodes(data=True)), peer.adj) == (
        dict(NAMED.to_networkx().nodes(data=True)),
        NAMED.to_networkx().adj,
    )
    io.mmwrite(tmp_path / "theirs.mtx", sparse.coo_array(nx.to_scipy_sparse_array(KARATE)))
    sparse.save_npz(tmp_path / "theirs.npz", sparse.csr_matrix(nx.to_scipy_sparse_array(KARATE)))
    for name in ("theirs.mtx", "theirs.npz"):
        assert Graph.load(tmp_path / name) == Graph.from_networkx(KARATE)
