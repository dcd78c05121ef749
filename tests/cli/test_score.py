"""``topolearn score`` as it is typed."""

import networkx as nx
import pandas as pd
import pytest

import topolearn as tl
from topolearn.cli import main

PAIRS = "# drug\ttarget\naspirin\tCOX 1\naspirin\tCOX 2\ncelecoxib\tCOX 2\nibuprofen\tCOX 1\n"
KITE = "0 1\n0 2\n1 2\n1 3\n2 3\n3 4\n4 5\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tl.generators.bipartite_small_world(30, 40, 0.1, seed=0).save("layer.npz")
    (tmp_path / "drugs.tsv").write_text(PAIRS)
    (tmp_path / "kite.edges").write_text(KITE)
    (tmp_path / "both.txt").write_text("0 1\n1 0\n1 2\n")
    (tmp_path / "broken.tsv").write_text("aspirin\tCOX 1\naspirin\n")
    (tmp_path / "empty.tsv").write_text("# nothing\n")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "layer.npz").read_bytes()[:300])
    return tmp_path


def test_the_best_are_listed_by_name(files, capsys):
    assert main(["score", "drugs.tsv", "--top", "2"]) == 0
    read, header, columns, *rows = capsys.readouterr().out.splitlines()
    assert read.startswith(
        "read    drugs.tsv: links separated by tabs; two kinds of nodes: 3 inputs x 2 outputs, 4 links;"
    )
    assert header.startswith("BipartiteGraph(3 inputs x 2 outputs, 4 links")
    assert columns.split() == ["method", "input", "output", "score"]
    assert sorted(row.split("  ")[0].split()[0] for row in rows) == ["ch3_l3p", "ch3_l3p"]
    assert {"celecoxib", "ibuprofen"} == {row.split()[1] for row in rows}
    assert all(float(row.split()[-1]) == 1 for row in rows)


def test_the_list_is_that_of_predict_and_is_written(files, capsys):
    assert main(["score", "layer.npz", "--method", "ch2_l3n", "ra_l3", "--top", "7", "--seed", "5", "-o", "t.csv"]) == 0
    table = pd.read_csv("t.csv")
    graph = tl.BipartiteGraph.load("layer.npz")
    for name in ("ch2_l3n", "ra_l3"):
        found = table[table["method"] == name].drop(columns="method").reset_index(drop=True)
        pd.testing.assert_frame_equal(found, tl.linkpred.predict(graph, name, 7, seed=5), rtol=1e-9)
    assert capsys.readouterr().out.splitlines()[-1] == "table   t.csv"


def test_a_sample_is_another_list(files, capsys):
    outputs = []
    for words in ([], ["--soft"], ["--soft", "--seed", "1"]):
        assert main(["score", "layer.npz", "--top", "10", *words]) == 0
        outputs.append(capsys.readouterr().out)
    assert len(set(outputs)) == 3


def test_one_kind_of_node(files, capsys):
    assert main(["score", "kite.edges", "--one-mode", "--top", "2"]) == 0
    read, *lines = capsys.readouterr().out.splitlines()
    assert (
        read
        == "read    kite.edges: links separated by whitespace; one kind of node: 6 nodes, 7 links; ignored: nothing"
    )
    assert lines[0] == "Graph(6 nodes, 7 links, density 46.67%, degrees 1-3)"
    assert lines[1].split() == ["method", "node", "other", "score"]
    assert sorted(line.split()[1:] for line in lines[2:]) == [["0", "3", "2.0"], ["0", "4", "2.0"]]


def test_flags_say_what_a_file_does_not(files, capsys):
    (files / "odd.txt").write_text("who~whom~when\na~b~1\nb~c~2\na~c~3\nc~a~4\nc~c~5\nc~d~6\n")
    words = "--sides 1 --sep ~ --header --source who --target 1 --directed --self-loops drop --top 1"
    assert main(["score", "odd.txt", *words.split()]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "read    odd.txt: links separated by '~'; one kind of node: 4 nodes, 4 links; "
        "header: columns 'who', 'whom', 'when'; ignored: column 'when', 1 self-loop, direction of 5 links, "
        "1 reverse link"
    )
    (files / "more.txt").write_text("# nodes 9 edges 9\n1 2\n2 3\n2 3\n3 4\n")
    words = "--sides 1 --counts ignore --index-base 0 --duplicates merge --no-header --format links --top 1"
    assert main(["score", "more.txt", *words.split()]) == 0
    assert "one kind of node: 5 nodes (1 without a link), 3 links;" in capsys.readouterr().out.splitlines()[0]


def test_evaluate(files, capsys):
    words = ["score", "layer.npz", "--evaluate", "--method", "ch3_l3p", "random", "--repeats", "3", "--fraction", "0.2"]
    assert main([*words, "-o", "t.csv"]) == 0
    table = pd.read_csv("t.csv").set_index("method")
    graph = tl.BipartiteGraph.load("layer.npz")
    for name in ("ch3_l3p", "random"):
        expected = tl.linkpred.evaluate(graph, name, fraction=0.2, repeats=3, seed=0)
        assert table.loc[name, "auc_roc"] == pytest.approx(expected["auc_roc"].mean(), abs=1e-4)
        assert table.loc[name, "auc_pr +-"] == pytest.approx(expected["auc_pr"].sem(), abs=1e-4)
        assert table.loc[name, "n_hidden"] == 24


def test_evaluate_by_degree(files, capsys):
    words = ["score", "kite.edges", "--one-mode", "--evaluate", "--sampling", "degree", "--fraction", "0.3"]
    assert main([*words, "--method", "resource_allocation", "preferential_attachment", "-o", "t.csv"]) == 0
    table = pd.read_csv("t.csv").set_index("method")
    graph = nx.parse_edgelist(KITE.splitlines())
    expected = tl.linkpred.evaluate(graph, ["resource_allocation"], fraction=0.3, sampling="degree")
    assert table.index.tolist() == ["resource_allocation", "preferential_attachment"]
    assert table.loc["resource_allocation", "auc_roc"] == pytest.approx(expected["auc_roc"].mean(), abs=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nothing.npz", "there is no file 'nothing.npz'"),
        ("nothing.tsv", "there is no file 'nothing.tsv'"),
        ("layer.xyz", "there is no file 'layer.xyz'"),
        ("cut.npz", "'cut.npz' is not a valid file of the format 'arrays'"),
        ("broken.tsv", "'broken.tsv' cannot be read: line 2 is 'aspirin'"),
        ("empty.tsv", "'empty.tsv' has no links"),
        ("layer.npz --method ch3l3p", "did you mean 'ch3_l3p'"),
        ("layer.npz --top 1081", "--top 1081 links requested, but 1080 of 1200 pairs are non-links"),
        ("layer.npz --top -1", "--top -1 links requested"),
        (
            "layer.npz --one-mode",
            "'layer.npz' is 40 x 30, not square: --sides 1 needs a row and a column for each node",
        ),
        ("kite.edges", "pass --sides 1 if all nodes are of one kind, or --sides 2 if each column has its own kind"),
        (
            "both.txt --sides 1",
            "has 1 pair of nodes linked in both directions: pass --directed to ignore their directions",
        ),
        ("both.txt --sides 1", "or --duplicates merge if a-b and b-a are the same link"),
        ("layer.npz --sep ,", "--sep ',' does not apply to the format 'arrays'"),
        ("layer.npz --seed -1", "--seed -1 must be at least 0"),
        ("layer.npz --evaluate --fraction 0", "--fraction 0.0 must be a number in (0, 1)"),
        ("layer.npz --evaluate --repeats 0", "--repeats 0"),
        ("layer.npz --evaluate --top 3", "--evaluate lists no links: omit --top and --soft"),
        ("layer.npz --evaluate --soft", "--evaluate lists no links"),
        ("layer.npz --fraction 0.2", "--fraction, --repeats and --sampling need --evaluate"),
        ("layer.npz --repeats 2", "--fraction, --repeats and --sampling need --evaluate"),
        ("layer.npz --sampling degree", "--fraction, --repeats and --sampling need --evaluate"),
        ("layer.npz --evaluate --sampling all", "--sampling all must be one of 'uniform', 'degree'"),
        ("layer.npz --evaluate --method ch3_l3p ch3_l3p", "two predictors are named 'ch3_l3p'"),
        ("layer.npz --method adamic_adar", "'adamic_adar' needs paths of length two"),
        ("layer.npz -o nowhere/t.csv", "there is no directory 'nowhere'"),
    ],
)
def test_score_reports_errors_in_one_line(files, capsys, words, message):
    before = sorted(path.name for path in files.iterdir())
    assert main(["score", *words.split()]) == 2
    error = capsys.readouterr().err
    assert error.startswith("topolearn: error: ")
    assert error.count("\n") == 1
    assert message in error
    assert sorted(path.name for path in files.iterdir()) == before
