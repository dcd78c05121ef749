"""Files of every format and dialect are read correctly or rejected with a question, and never misread."""

import pickle
import re

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import topolearn as tl
from tests.graph.network_files import ASKED, BROKEN, FRAME, LAYER, READ
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
