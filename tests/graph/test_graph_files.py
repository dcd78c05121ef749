import json

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import io, sparse

from tests.profiles import examples
from topolearn import errors
from topolearn.errors import CorruptFileError
from topolearn.graph import BipartiteGraph, Graph, read_graph

SUFFIXES = [".npz", ".mtx", ".csv", ".graphml"]
every_suffix = pytest.mark.parametrize("suffix", SUFFIXES)


@examples(30)
@given(data=st.data())
@every_suffix
def test_files_are_lossless(suffix, data, graphs, tmp_path_factory):
    graph = data.draw(graphs())
    path = tmp_path_factory.mktemp("graph") / f"graph{suffix}"
    graph.save(path)
    assert BipartiteGraph.load(str(path)) == graph


@every_suffix
def test_hard_graphs_survive_and_replace_each_other(suffix, table, tmp_path):
    path = tmp_path / f"graph{suffix.upper()}"
    for graph in table:
        graph.save(str(path))
        assert BipartiteGraph.load(path) == graph
    assert list(tmp_path.iterdir()) == [path]


@every_suffix
def test_long_comments_survive(suffix, tmp_path):
    names = [f"neuron number {i}: é" for i in range(2000)]
    graph = BipartiteGraph.from_cells([3], n_in=2000, n_out=2, input_names=names)
    graph.save(tmp_path / f"graph{suffix}")
    assert BipartiteGraph.load(tmp_path / f"graph{suffix}") == graph


@every_suffix
def test_a_truncated_file_is_rejected_or_whole(suffix, table, tmp_path):
    """At any length, no graph other than the saved one is read."""
    graph = BipartiteGraph.from_edges([(11, 12), (10, 11), (3, 12)], n_in=12, n_out=13)
    path = tmp_path / f"graph{suffix}"
    for kept in (graph, table[0]):
        kept.save(path)
        whole = path.read_bytes()
        rejected = 0
        for length in range(0, len(whole), max(1, len(whole) // 80)):
            path.write_bytes(whole[:length])
            try:
                assert BipartiteGraph.load(path) == kept
            except errors.CorruptFileError:
                rejected += 1
        for length in range(len(whole) - 12, len(whole)):
            path.write_bytes(whole[:length])
            try:
                assert BipartiteGraph.load(path) == kept
            except errors.CorruptFileError:
                rejected += 1
        assert rejected > 80


@every_suffix
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe garbage", b"hello\nworld\n", b"[1, 2]\n", b"<a></a>\n"])
def test_a_foreign_file_is_rejected_in_one_line(suffix, content, tmp_path):
    path = tmp_path / f"graph{suffix}"
    path.write_bytes(content)
    with pytest.raises(errors.CorruptFileError, match=r"graph\.\w+' is not a valid \.\w+ file of a graph") as caught:
        BipartiteGraph.load(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("save the graph again")


def test_a_pickle_is_never_opened(tmp_path):
    np.savez(tmp_path / "graph.npz", format=np.array([print], dtype=object))
    with pytest.raises(errors.CorruptFileError, match="holds objects, which are never unpickled"):
        BipartiteGraph.load(tmp_path / "graph.npz")


@every_suffix
def test_a_missing_file_or_directory_is_named(suffix, table, tmp_path):
    path = tmp_path / "nowhere" / f"graph{suffix}"
    with pytest.raises(errors.MissingFileError, match=f"there is no file '.*graph{suffix}': check the path"):
        BipartiteGraph.load(path)
    with pytest.raises(errors.MissingFileError, match=r"there is no directory '.*nowhere' to write .*: create it"):
        table[0].save(path)


@pytest.mark.parametrize("path", [5, None, b"graph.npz", ["graph.npz"]], ids=repr)
def test_what_is_no_path_is_rejected(path, table):
    for door in (table[0].save, BipartiteGraph.load, Graph([(0, 1)], 2).save, Graph.load):
        with pytest.raises(errors.InvalidTypeError, match=r"path=.* is a \w+: pass a path"):
            door(path)


@pytest.mark.parametrize("name", ["graph.xlsx", "graph", "graph.npz.gz"])
def test_an_unknown_suffix_names_the_known_ones(name, table, tmp_path):
    for door in (table[0].save, BipartiteGraph.load):
        with pytest.raises(errors.UnknownNameError, match=r"file suffix .*Known names: \.npz, \.mtx, \.csv, \.gra"):
            door(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_other_programs_read_the_files(table, tmp_path):
    graph = table[0]
    for suffix in SUFFIXES:
        graph.save(tmp_path / f"graph{suffix}")
    dense = graph.to_scipy().toarray()
    assert (sparse.load_npz(tmp_path / "graph.npz").toarray() == dense).all()
    assert (io.mmread(tmp_path / "graph.mtx").toarray() == dense).all()
    frame = pd.read_csv(tmp_path / "graph.csv", comment="#")
    assert list(frame.columns) == ["input", "output"]
    assert frame.to_numpy().tolist() == graph.edges().tolist()
    peer = nx.read_graphml(tmp_path / "graph.graphml", node_type=int)
    assert dict(peer.nodes(data=True)) == dict(graph.to_networkx().nodes(data=True))
    assert peer.adj == graph.to_networkx().adj


def test_files_of_other_programs_are_read(tmp_path):
    women = nx.davis_southern_women_graph()
    women.graph.clear()  # lists, which GraphML cannot hold
    nx.write_graphml(women, tmp_path / "women.graphml")
    graph = BipartiteGraph.load(tmp_path / "women.graphml")
    assert graph == BipartiteGraph.from_networkx(women)
    stored = sparse.coo_array(([0.0, 2.0], ([0, 1], [1, 2])), shape=(2, 3))
    io.mmwrite(tmp_path / "weights.mtx", stored)
    sparse.save_npz(tmp_path / "weights.npz", stored)
    for name in ("weights.mtx", "weights.npz"):
        assert BipartiteGraph.load(tmp_path / name).edges().tolist() == [[1, 0], [2, 1]]


@pytest.mark.parametrize(
    "comment", ['{"author": "x"}', '{"n_nodes": 9}', '{"n_in": 9, "n_out": 9}', "{ not JSON", "{}", '{"names": [1]}']
)
def test_comments_of_other_programs_are_no_sizes(comment, tmp_path):
    banner = f"%%MatrixMarket matrix coordinate pattern symmetric\n%{comment}\n"
    (tmp_path / "theirs.mtx").write_text(f"{banner}3 3 2\n2 1\n3 1\n")
    assert Graph.load(tmp_path / "theirs.mtx") == Graph([(0, 1), (0, 2)], 3)
    assert BipartiteGraph.load(tmp_path / "theirs.mtx").n_links == 4
    assert read_graph(tmp_path / "theirs.mtx").source.line.endswith("ignored: 1 comment")


def test_contents_must_agree_with_the_comment(tmp_path, table):
    table[2].save(tmp_path / "graph.csv")
    comment, *rest = (tmp_path / "graph.csv").read_text().splitlines(keepends=True)
    header = json.loads(comment[1:])
    for change, message in [
        ({"n_links": 2}, "1 complete rows of 2"),
        ({"n_in": 1}, "out of range"),
        ({"output_names": ["a", "b"]}, "2 names for 1 output"),
    ]:
        (tmp_path / "graph.csv").write_text(f"# {json.dumps(header | change)}\n" + "".join(rest))
        with pytest.raises(errors.CorruptFileError, match=message):
            BipartiteGraph.load(tmp_path / "graph.csv")
    (tmp_path / "graph.csv").write_text(comment + "".join(rest) + "0,0")
    with pytest.raises(errors.CorruptFileError, match="1 complete rows of 1, and"):
        BipartiteGraph.load(tmp_path / "graph.csv")
    table[2].save(tmp_path / "graph.mtx")
    text = (tmp_path / "graph.mtx").read_text()
    (tmp_path / "graph.mtx").write_text(text.replace('"n_in": 2', '"n_in": 3'))
    with pytest.raises(errors.CorruptFileError, match=r"its shape is \(1, 2\), but its comment says \(1, 3\)"):
        BipartiteGraph.load(tmp_path / "graph.mtx")


def test_windows_line_ends_are_read(table, tmp_path):
    path = tmp_path / "graph.csv"
    table[0].save(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert BipartiteGraph.load(path) == table[0]


@pytest.mark.parametrize(
    "content", ["", "3 3 2\n1 2\n2 3\n", "%MatrixMarket matrix coordinate pattern general\n", "\0\1"]
)
def test_a_matrix_market_file_without_its_first_line_is_rejected(content, tmp_path):
    path = tmp_path / "t.mtx"
    path.write_text(content)
    with pytest.raises(
        CorruptFileError, match="its first line must be like '%%MatrixMarket matrix coordinate real general'"
    ):
        BipartiteGraph.load(path)
