"""The explorer of a run: the page has the links of its history, their ages, and the weights of its checkpoint."""

import numpy as np
import pytest
import torch

import topolearn as tl
from tests.plotting.explorer_data import data_of, lives_in, weights_in
from topolearn import cli
from topolearn.diagnostics import link_ages
from topolearn.errors import InvalidValueError, UnknownNameError, UnsafePathError
from topolearn.plotting.explorer import limits
from topolearn.recording.explorer import explore_run
from topolearn.sparse.conversion.topology import sparse_layers

EVIL = "</script><img src=x onerror=alert(1)>"


def recorded(path, *, history="full", n_steps=9, names=("a", "b"), sizes=(6, 8, 5)):
    """Record a small loop, and return its run."""
    model = torch.nn.Sequential()
    for name, n_in, n_out in zip(names, sizes[:-1], sizes[1:], strict=True):
        model.add_module(name, torch.nn.Linear(n_in, n_out))
    model.add_module("head", torch.nn.Linear(sizes[-1], 2))
    method = tl.method("set", density=0.4)
    model = tl.sparsify(model, method, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=max(n_steps, 2) + 1, interval=1, seed=0)
    with tl.record(path, topology, measures=(), every=2, history=history) as recorder:
        for _ in range(n_steps):
            optimizer.zero_grad()
            model(torch.ones(2, sizes[0])).square().mean().backward()
            optimizer.step()
            topology.step()
            recorder.log(loss=1.0)
    return tl.Run(path)


def check_links(run, page):
    """Check that a page has the links of a history at every state that it shows."""
    data = data_of(page.html)
    assert data["steps"] == run.history.graph_steps
    by_state = {i: graphs for i, (_, graphs) in enumerate(run.history.replay())}
    for layer in data["layers"]:
        cells, born, died = lives_in(layer)
        for state in data["shown"]:
            now = (born <= state) & (state < died)
            assert cells[now].tolist() == by_state[state][layer["name"]].cells.tolist()
    return data


def test_the_page_has_the_links_ages_and_weights_of_a_run(chts):
    data = check_links(chts, chts.explore())
    assert [layer["name"] for layer in data["layers"]] == chts.history.layers
    assert data["shown"] == list(range(len(chts.history.graph_steps)))
    layers = sparse_layers(chts.load_model("last"))
    for layer in data["layers"]:
        _, born, died = lives_in(layer)
        last = data["shown"][-1]
        alive = died > last
        assert (last - born[alive]).tolist() == link_ages(chts.history, layer["name"]).tolist()
        weights = weights_in(layer)
        assert np.isnan(weights[~alive]).all()
        np.testing.assert_array_equal(weights[alive], layers[layer["name"]].link_values().numpy())
    assert "The weights are those at the end of training." in chts.explore().html
    inner = {layer["name"]: (layer["source"], layer["target"]) for layer in data["layers"]}
    assert inner["hidden1"][1] == inner["hidden2"][0]


@pytest.mark.parametrize("history", ["full", "snapshots"])
@pytest.mark.parametrize("most", [2, 3, 40])
def test_many_updates_are_thinned_out_evenly_with_true_births(history, most, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_FRAMES", most)
    run = recorded(tmp_path / "run", history=history)
    data = check_links(run, run.explore())
    n_states = len(run.history.graph_steps)
    assert (data["shown"][0], data["shown"][-1], len(data["shown"])) == (0, n_states - 1, min(most, n_states))
    assert data["unit"] == ("updates" if history == "full" else "snapshots")
    born = [graphs["a"].cells for _, graphs in run.history.replay()]
    for cell, first in zip(*(each.tolist() for each in lives_in(data["layers"][0])[:2]), strict=True):
        assert cell in born[first]
        assert first == 0 or cell not in born[first - 1]


def test_the_page_of_a_custom_loop_explains_why_it_has_no_weights(tmp_path):
    page = recorded(tmp_path / "run").explore()
    assert all(layer["weights"] is None for layer in data_of(page.html)["layers"])
    assert "No weights are shown: a custom loop keeps its own checkpoints." in page.html


def test_a_checkpoint_that_is_missing_or_of_other_links_gives_no_weights(chts, copy):
    run = tl.Run(copy(chts))
    model = run.load_model("last")
    layer = sparse_layers(model)["hidden1"]
    layer.set_links(torch.arange(layer.n_links))
    run.load_model = lambda which: model
    page = explore_run(run)
    weights = {each["name"]: each["weights"] is not None for each in data_of(page.html)["layers"]}
    assert weights == {"hidden1": False, "hidden2": True}
    assert "No weights are shown for hidden1" in page.html
    for file in (copy.path / "checkpoints").iterdir():
        file.unlink()
    with pytest.warns(tl.errors.ChangedFileWarning):
        page = tl.Run(copy.path).explore()
    assert "No weights are shown: " in page.html
    assert all(layer["weights"] is None for layer in data_of(page.html)["layers"])


def test_layers_are_chosen_by_name(chts):
    for one in (["hidden2"], "hidden2"):
        (layer,) = data_of(chts.explore(layers=one).html)["layers"]
        assert layer["name"] == "hidden2"
    with pytest.raises(UnknownNameError, match="no sparse layer 'hiden1': did you mean 'hidden1'"):
        chts.explore(layers=["hiden1"])
    with pytest.raises(InvalidValueError, match=r"layers=\[\] leaves nothing to show: name at least one of hidden1"):
        chts.explore(layers=[])


def test_layers_that_do_not_fit_are_shown_side_by_side(tmp_path):
    run = recorded(tmp_path / "run", sizes=(6, 8, 5))
    assert [each["column"] for each in data_of(run.explore().html)["populations"]] == [0, 1, 2]
    populations = data_of(run.explore(layers=["b"]).html)["populations"]
    assert [(each["title"], each["column"]) for each in populations] == [("inputs of b", 0), ("outputs of b", 1)]


def test_a_run_that_has_not_been_updated_yet_is_shown_as_it_is(tmp_path):
    run = recorded(tmp_path / "run", n_steps=0)
    data = check_links(run, run.explore())
    assert (data["shown"], data["steps"]) == ([0], [0])


def test_runs_with_no_links_or_too_many_are_rejected(tmp_path, dense, monkeypatch):
    with pytest.raises(InvalidValueError, match="no sparse layers"):
        dense.explore()
    run = recorded(tmp_path / "summary", history="summary")
    with pytest.raises(InvalidValueError, match="kept no graph of its topology"):
        run.explore()
    run = recorded(tmp_path / "full", n_steps=1)
    monkeypatch.setattr(limits, "MOST_LINKS", 20)
    with pytest.raises(
        InvalidValueError, match=r"\d+ links are too many .*limit 20\): choose fewer.*layers=\['b'\].*--layers NAME"
    ):
        run.explore(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    assert run.explore(layers=["b"])
    monkeypatch.setattr(limits, "MOST_LINKS", 1)
    with pytest.raises(InvalidValueError, match=r"limit 1\): every layer has more.*adjacency_change\(run, 'b'\)"):
        run.explore()


def test_names_of_layers_and_runs_are_text(tmp_path):
    run = recorded(tmp_path / EVIL.replace("/", "|"), names=(EVIL, "b"), n_steps=2)
    page = run.explore()
    assert "<img" not in page.html
    assert EVIL in [layer["name"] for layer in data_of(page.html)["layers"]]


def test_the_command_writes_the_page(chts, copy, capsys, tmp_path):
    path = copy(chts)
    assert cli.main(["report", str(path), "--interactive"]) == 0
    assert capsys.readouterr().out.strip() == str(path / "explorer.html")
    assert check_links(chts, tl.Run(path).explore()) == data_of((path / "explorer.html").read_text(encoding="utf-8"))
    assert not (path / "report.html").exists()
    words = ["report", str(path), "--interactive", "--layers", "hidden1", "-o", str(tmp_path / "one.html")]
    assert cli.main(words) == 0
    assert [each["name"] for each in data_of((tmp_path / "one.html").read_text())["layers"]] == ["hidden1"]


@pytest.mark.parametrize(
    ("words", "said"), [(["--layers", "a"], "--interactive"), (["--interactive", "--compare", "x"], "--compare")]
)
def test_options_that_do_not_fit_are_rejected(chts, words, said, capsys):
    assert cli.main(["report", str(chts.path), *words]) == 2
    assert said in capsys.readouterr().err


def test_nothing_is_written_through_a_link_out_of_the_run(chts, copy, tmp_path):
    path = copy(chts)
    (tmp_path / "elsewhere.html").write_text("mine")
    (path / "explorer.html").symlink_to(tmp_path / "elsewhere.html")
    with pytest.raises(UnsafePathError):
        tl.Run(path).report()
    assert cli.main(["report", str(path), "--interactive"]) == 2
    assert (tmp_path / "elsewhere.html").read_text() == "mine"
