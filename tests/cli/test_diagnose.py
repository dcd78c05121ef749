"""``topolearn diagnose`` as it is typed."""

import json

import networkx as nx
import numpy as np
import pytest

import topolearn as tl
from topolearn.cli import main

KITE = "0 1\n0 2\n1 2\n1 3\n2 3\n3 4\n4 5\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = tl.TrainConfig(
        epochs=1, hidden=(16, 12), density=0.2, update_interval=15, threads=1,
        run_dir=str(tmp_path_factory.mktemp("diagnose") / "run"),
    )  # fmt: skip
    return tl.train(config, quiet=True)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tl.generators.make("bsw", 30, 40, 0.1, seed=0).save("layer.npz")
    tl.BipartiteGraph(np.eye(2)).save("even.npz")
    (tmp_path / "kite.edges").write_text(KITE)
    return tmp_path


def rows(text):
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}


def test_a_table_of_a_layer(files, capsys):
    assert main(["diagnose", "layer.npz", "--measures", "closure", "n_components", "--null-models", "3"]) == 0
    printed = rows(capsys.readouterr().out)
    found = tl.diagnostics.summary(tl.BipartiteGraph.load("layer.npz"), ["closure", "n_components"], null_models=3)
    assert printed["closure"] == [f"{found['closure']:.5g}"]
    assert printed["closure_z"] == [f"{found['closure_z']:.5g}"]
    assert printed["n_links"] == ["120"]


def test_machines_get_json(files, capsys):
    assert main(["diagnose", "layer.npz", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["layer.npz"]
    assert found == pytest.approx(tl.diagnostics.summary(tl.BipartiteGraph.load("layer.npz")))
    assert main(["diagnose", "even.npz", "--measures", "gamma", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["even.npz"]["gamma"] is None


def test_missing_values_are_explained(files, capsys):
    assert main(["diagnose", "even.npz", "--measures", "gamma", "closure"]) == 0
    out = capsys.readouterr().out
    assert rows(out)["gamma"] == ["-"]
    assert "no value: gamma: a power law is undefined where all samples above 0 are 1" in out


def test_a_run_has_a_column_for_each_layer_and_the_network(run, files, capsys):
    assert main(["diagnose", str(run.path), "--measures", "closure", "efficiency", "hub_share"]) == 0
    printed = rows(capsys.readouterr().out)
    assert next(iter(printed)) == "hidden1"
    last = run.history.at(run.history.steps[-1])
    assert printed["closure"] == [f"{tl.diagnostics.closure(g):.5g}" for g in last.values()]
    assert len(printed["efficiency"]) == 3
    assert len(printed["hub_share"]) == 1
    assert main(["diagnose", str(run.path), "--step", "0", "--json", "--measures", "closure"]) == 0
    assert json.loads(capsys.readouterr().out)["hidden1"]["closure"] == tl.diagnostics.closure(
        run.history.at(0)["hidden1"]
    )


def test_a_step_after_the_end_of_a_run_is_rejected(run, files, capsys):
    last = run.summary["n_steps"]
    assert last > run.history.steps[-1]
    for step, status in ((last, 0), (last + 1, 2), (99999, 2)):
        assert main(["diagnose", str(run.path), "--step", str(step), "--measures", "closure"]) == status
        said = f"topolearn: error: --step {step} is after step {last}, the last of {run.path}: lower it\n"
        assert capsys.readouterr().err == (said if status else "")


def test_one_kind_of_node(files, capsys):
    assert main(["diagnose", "kite.edges", "--one-mode", "--measures", "transitivity"]) == 0
    assert float(rows(capsys.readouterr().out)["transitivity"][0]) == pytest.approx(6 / 11, abs=1e-5)


def test_one_kind_of_node_with_random_graphs_and_a_picture(files, capsys):
    words = [
        "kite.edges",
        "--one-mode",
        "--measures",
        "clustering",
        "sigma",
        "--null-models",
        "3",
        "--plot",
        "kite.png",
    ]
    assert main(["diagnose", *words]) == 0
    said = capsys.readouterr().out
    printed, graph = rows(said), nx.parse_edgelist(KITE.splitlines())
    found = tl.diagnostics.summary(graph, ["clustering", "sigma"], null_models=3)
    assert printed["clustering"] == [f"{found['clustering']:.5g}"]
    assert printed["clustering_null"] == [f"{found['clustering_null']:.5g}"]
    assert printed["n_nodes"] == ["6"]
    assert said.endswith("picture kite.png\n")
    assert (files / "kite.png").stat().st_size > 10_000


def test_a_picture_is_drawn(run, files, capsys):
    assert main(["diagnose", str(run.path), "--plot", "run.png"]) == 0
    assert (files / "run.png").stat().st_size > 10_000
    assert capsys.readouterr().out.endswith("picture run.png\n")
    assert main(["diagnose", "layer.npz", "--plot", "layer.png", "--json"]) == 0
    said = capsys.readouterr()
    assert "layer.npz" in json.loads(said.out)  # and nothing else
    assert said.err.splitlines()[0].startswith("read    layer.npz: ")
    assert said.err.splitlines()[1:] == ["picture layer.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.npz"], "there is no file or run 'none.npz'"),
        (["none"], "there is no file or run 'none'"),
        (["layer.npz", "--plot", "x.xyz"], "--plot 'x.xyz' must end with .png, .pdf or .svg"),
        (["layer.npz", "--plot", "no/x.png"], "there is no directory 'no'"),
        (["layer.npz", "--step", "3"], "--step applies to runs"),
        (["layer.npz", "--one-mode"], "'layer.npz' is 40 x 30, not square"),
        (["kite.edges"], "has two columns of ids, some of them in both, such as 1, 2, 3: pass --sides 1"),
        (["layer.npz", "--measures", "closur"], "did you mean 'closure'"),
        (["layer.npz", "--measures", "hub_share"], "'hub_share' is not a measure of a BipartiteGraph"),
        (["layer.npz", "--null-models", "-1"], "--null-models -1"),
        (["."], "there is no run in ."),
    ],
)
def test_a_mistake_is_one_line(words, message, files, capsys):
    assert main(["diagnose", *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_dense_run_has_no_topology(files, capsys):
    config = tl.TrainConfig(method="dense", epochs=1, hidden=(8,), threads=1, run_dir="dense")
    tl.train(config, quiet=True)
    assert main(["diagnose", "dense"]) == 2
    assert "is dense: there is no topology to measure" in capsys.readouterr().err
