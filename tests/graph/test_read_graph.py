"""Files of every format and dialect are read correctly or rejected with a question, and never misread."""

import pickle
import re

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import io as scipy_io
from scipy import sparse

import topolearn as tl
from tests.graph.network_files import ASKED, BROKEN, FRAME, LAYER, READ, UNWEIGHTED
from topolearn import errors


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def clustering(graph):
    peer = nx.Graph(graph.edges().tolist())
    peer.add_nodes_from(range(graph.n_nodes))
    return nx.average_clustering(peer)


@pytest.mark.parametrize("name", READ)
def test_each_file_is_read_correctly_and_summed_up_in_one_line(name, tmp_path):
    content, options, expected, words = READ[name]
    graph = tl.read_graph(written(tmp_path, name, content), **options)
    nodes, n_links, *more = expected
    sizes = (graph.n_in, graph.n_out) if isinstance(graph, tl.BipartiteGraph) else graph.n_nodes
    assert (sizes, graph.n_links) == (nodes, n_links), graph.source.line
    for value in more:
        assert clustering(graph) == pytest.approx(value)
    line = graph.source.line
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    for word in words:
        assert word in line
    assert graph.source.n_links == n_links
    assert sum(graph.source.n_nodes) == (sum(sizes) if isinstance(sizes, tuple) else sizes)
    assert graph.source.n_isolated == np.count_nonzero(graph.to_scipy().sum(1) == 0) + (
        np.count_nonzero(graph.to_scipy().sum(0) == 0) if isinstance(sizes, tuple) else 0
    )


@pytest.mark.parametrize("name", ASKED)
def test_ambiguous_or_lossy_content_raises_and_names_the_options(name, tmp_path):
    content, options, message = ASKED[name]
    with pytest.raises(errors.InvalidValueError, match=re.escape(message)) as caught:
        tl.read_graph(written(tmp_path, name, content), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_are_not_networks_are_rejected_in_one_line(name, tmp_path):
    content, options, message = BROKEN[name]
    with pytest.raises(errors.CorruptFileError, match=re.escape(message)) as caught:
        tl.read_graph(written(tmp_path, name, content), **options)
    assert "\n" not in str(caught.value)
    assert repr(name) in str(caught.value).replace(str(tmp_path) + "/", "")


def test_weights_follow_the_order_of_links_and_sum_over_merged_links(tmp_path):
    path = written(tmp_path, "w.csv", b"source,target,w\nc,a,1.5\na,b,2\na,c,10\n")
    graph = tl.read_graph(path, sides=1, weight="w", duplicates="merge")
    assert graph.source.weights.tolist() == [11.5, 2]  # of c-a, which come first, and of a-b
    assert graph.edges().tolist() == [[0, 1], [1, 2]]
    graph = tl.read_graph(path, sides=2, weight=2)
    assert graph.edges().tolist() == [[0, 0], [1, 0], [1, 1]] or graph.edges().tolist() == [[0, 0], [1, 1], [1, 2]]
    assert sorted(graph.source.weights.tolist()) == [1.5, 2, 10]
    path = written(tmp_path, "m.csv", b"0,2,0\n2,0,5\n0,5,0\n")
    assert tl.read_graph(path, weight=True).source.weights.tolist() == [2, 5]


@pytest.mark.parametrize("sides", [1, 2])
def test_rows_of_a_matrix_belong_to_the_nodes_that_name_them(sides, tmp_path):
    """However rows are ordered, links lead from the node of the column to the node of the row."""
    rng = np.random.default_rng(0)
    links = np.triu(rng.random((6, 6)) < 0.5, 1)
    frame = pd.DataFrame((links | links.T) * rng.integers(1, 9), index=[*"abcdef"], columns=[*"abcdef"])
    permuted = frame.loc[[*"cafdeb"]]
    permuted.to_csv(tmp_path / "m.csv")
    expected = {(a, b) for a in frame.columns for b in frame.index if frame.loc[b, a] and (sides == 2 or a < b)}
    for source in (permuted, tmp_path / "m.csv"):
        graph = tl.read_graph(source, sides=sides, weight=True)
        inputs, outputs = (graph.names,) * 2 if sides == 1 else (graph.input_names, graph.output_names)
        read = [(inputs[a], outputs[b]) for a, b in graph.edges()]
        assert set(read) == expected
        assert graph.source.weights.tolist() == [frame.loc[b, a] for a, b in read]


def test_numbered_rows_in_any_order_are_links(tmp_path):
    """A list of as many links as columns, shuffled, has the row numbers that a permuted matrix would have."""
    links = pd.DataFrame([(10, 11, 5), (11, 12, 6), (10, 12, 7)], index=[2, 0, 1])
    links.to_csv(tmp_path / "links.csv")
    assert tl.read_graph(links, sides=1).names == ("10", "11", "12")
    with pytest.raises(errors.CorruptFileError, match="line 1 is ',0,1,2'"):  # not a matrix either
        tl.read_graph(tmp_path / "links.csv", sides=1)


def test_one_triangle_of_a_permuted_matrix_is_directed(tmp_path):
    path = written(tmp_path, "m.csv", b",a,b,c\nc,1,0,0\na,0,0,0\nb,1,0,0\n")
    assert tl.read_graph(path, sides=1, directed=True).edges().tolist() == [[0, 1], [0, 2]]
    with pytest.raises(errors.InvalidValueError, match="has directed links"):
        tl.read_graph(path, sides=1)


@pytest.mark.parametrize("name", UNWEIGHTED)
@pytest.mark.parametrize("value", [b"nan", b"inf", b"-inf"])
def test_weights_that_are_not_finite_numbers_are_rejected_in_every_format(name, value, tmp_path):
    content, weight = UNWEIGHTED[name]
    value = value.upper() if name == "net.gml" else value
    path = written(tmp_path, name, content.replace(b"%s", value).replace(b"%%", b"%"))
    with pytest.raises(errors.CorruptFileError, match=r"not a finite number|cannot safely convert"):
        tl.read_graph(path, sides=1, weight=weight)


def test_entries_that_are_not_finite_numbers_are_no_links(tmp_path):
    array = np.array([[0, np.inf, 1], [1, 0, 0]])
    scipy_io.mmwrite(tmp_path / "a.mtx", array)
    scipy_io.mmwrite(tmp_path / "b.mtx", sparse.coo_array(array))
    sparse.save_npz(tmp_path / "a.npz", sparse.csr_array(array))
    sparse.save_npz(tmp_path / "b.npz", sparse.csr_array(array * np.nan))
    frame = pd.DataFrame([[0, np.nan], [1, 0]], index=["a", "b"], columns=["a", "b"])
    for source in (*sorted(tmp_path.iterdir()), frame):
        with pytest.raises(errors.CorruptFileError, match=r"row \d, column \d is (nan|inf), not a finite number"):
            tl.read_graph(source, sides=2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"weight": 1.7}, errors.InvalidTypeError, "weight=1.7 must be the name of a column, or its number"),
        ({"target": 1.7}, errors.InvalidTypeError, "target=1.7 must be the name"),
        ({"target": True}, errors.InvalidTypeError, "target=True must be the name"),
        ({"source": False}, errors.InvalidTypeError, "source=False must be the name"),
        ({"weight": np.True_}, errors.InvalidTypeError, "weight=np.True_ must be the name"),
        ({"weight": [2]}, errors.InvalidTypeError, r"weight=\[2\] must be the name"),
        ({"comments": None}, errors.InvalidTypeError, "comments=None must be a string, '' for none"),
        ({"comments": 5}, errors.InvalidTypeError, "comments=5 must be a string, '' for none"),
        ({"encoding": 5}, errors.InvalidTypeError, "encoding=5 must be a string or None"),
        ({"sep": 5}, errors.InvalidTypeError, "sep=5 must be a string or None"),
        ({"format": 5}, errors.InvalidTypeError, "format=5 must be a string or None"),
        ({"sides": True}, errors.InvalidValueError, "sides=True must be one of None, 1, 2"),
        ({"sides": np.ones(2)}, errors.InvalidValueError, "must be one of None, 1, 2"),
        ({"header": 1}, errors.InvalidValueError, "header=1 must be one of None, True, False"),
        ({"index_base": False}, errors.InvalidValueError, "index_base=False must be one of None, 0, 1"),
    ],
)
@pytest.mark.parametrize("name", ["blanks.edges", "matrix.txt", "networkx.net", "igraph.gml"])
def test_options_of_the_wrong_type_are_never_misread(name, options, error, message, tmp_path):
    content, given, *_ = READ[name]
    with pytest.raises(error, match=message):
        tl.read_graph(written(tmp_path, name, content), **given | options)


def test_columns_are_numbered_by_any_integer(tmp_path):
    path = written(tmp_path, "w.txt", b"0 1 5 6\n1 2 6 7\n")
    graph = tl.read_graph(
        path, sides=np.int64(1), header=np.False_, target=np.uint8(1), weight=np.int64(3), index_base=0
    )
    assert graph.source.weights.tolist() == [6, 7]


@pytest.mark.parametrize("name", ["networkx.net", "igraph.gml", "matrix.csv"])
def test_weight_false_keeps_none(name, tmp_path):
    content, given, *_ = READ[name]
    assert tl.read_graph(written(tmp_path, name, content), weight=False, **given).source.weights is None


def test_saved_graphs_are_read_back_unchanged(tmp_path):
    for suffix in (".npz", ".mtx", ".csv", ".graphml"):
        LAYER.save(tmp_path / f"layer{suffix}")
        graph = tl.read_graph(tmp_path / f"layer{suffix}")
        assert graph == LAYER
        assert LAYER.source is None
        network = tl.Graph([(0, 2), (1, 2)], 4, names=["a", "b", "c", "d"])
        for mine in (network, tl.Graph([(0, 1)], 2)):
            mine.save(tmp_path / f"network{suffix}")
            assert tl.read_graph(tmp_path / f"network{suffix}") == mine
        assert pickle.loads(pickle.dumps(graph)).source == graph.source


def test_frames_are_read_as_files_are():
    graph = tl.read_graph(FRAME, sides=1, weight="weight")
    assert (graph.n_nodes, graph.n_links, graph.source.weights.tolist()) == (3, 3, [1.5, 3, 2])
    assert (
        tl.read_graph(FRAME.rename(columns=str.upper), sides=1).source.header == "columns 'SOURCE', 'TARGET', 'WEIGHT'"
    )
    with pytest.raises(errors.InvalidValueError, match="has names in both columns, such as 'b': pass sides=1"):
        tl.read_graph(FRAME)
    names = ["a", "b", "c"]
    matrix = pd.DataFrame([[0, 1, 1], [1, 0, 1], [1, 1, 0]], index=names, columns=names)
    assert tl.read_graph(matrix).n_links == 3
    with pytest.raises(errors.InvalidValueError, match="has a missing name in column 'source', row 1"):
        tl.read_graph(pd.DataFrame({"source": ["a", None], "target": ["b", "c"]}), sides=1)
    with pytest.raises(errors.InvalidTypeError, match="pass a path or a pandas DataFrame"):
        tl.read_graph([(0, 1)])


@pytest.mark.parametrize("dtype", ["uint64", "UInt64", "int64", "object"])
def test_ids_of_frames_are_read_as_they_are_written(dtype):
    largest = 2**63 - 1 if dtype == "int64" else 2**64 - 1
    ends = [[1, largest], [largest - 1, 5], [1, 5]]
    frame = pd.DataFrame(ends, columns=["source", "target"], dtype=dtype)
    graph = tl.read_graph(frame, sides=2)
    names = {(graph.input_names[a], graph.output_names[b]) for a, b in graph.edges()}
    assert names == {(str(a), str(b)) for a, b in ends}


@pytest.mark.parametrize("alike", [(1, "1"), ("1", np.int64(1)), (True, "True"), (None, "nan"), (1.5, "1.5")])
def test_values_of_frames_that_are_written_alike_are_never_merged(alike):
    frame = pd.DataFrame({"source": [alike[0], alike[1], "b"], "target": ["c", "c", "d"]}, dtype=object)
    with pytest.raises(errors.InvalidValueError, match=r"in column 'source', (which are written alike|row 0: use)"):
        tl.read_graph(frame, sides=2)


def test_a_missing_file_a_directory_and_a_wrong_option_are_named(tmp_path):
    with pytest.raises(errors.MissingFileError, match=r"there is no file '.*none\.csv'"):
        tl.read_graph(tmp_path / "none.csv")
    written(tmp_path, "out.x", b"1 2\n")
    with pytest.raises(errors.InvalidValueError, match=r"is a directory: pass a file in it, such as 'out\.x'"):
        tl.read_graph(tmp_path)
    with pytest.raises(errors.InvalidValueError, match="sides=3 must be one of None, 1, 2"):
        tl.read_graph(tmp_path / "out.x", sides=3)
    with pytest.raises(errors.UnknownNameError, match="did you mean 'links'"):
        tl.read_graph(tmp_path / "out.x", format="link")
