"""``topolearn diagnose`` of weights in a checkpoint."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import topolearn as tl
from topolearn.cli import main


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Two heads; the second has no keys, so its queries have no effect."""
    monkeypatch.chdir(tmp_path)
    tensors = {f"a.{name}_proj.weight": torch.ones(4, 4) - torch.eye(4) for name in "qkvo"}
    tensors["a.k_proj.weight"][2:] = 0
    tensors |= {"lm_head.weight": torch.eye(4), "dense.weight": torch.ones(4, 4)}
    save_file(tensors, "model.safetensors")
    return tmp_path


def test_layers_the_network_and_idle_links(weights, capsys):
    assert main(["diagnose", "model.safetensors", "--n-heads", "2"]) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    columns = out.splitlines()[0].split()
    assert dict(zip(columns, rows["a.q_proj"], strict=True)).items() >= {"n_links": "12", "idle_links": "6"}.items()
    assert rows["idle_links"] == ["6"]
    assert (rows["heads"], rows["dead_heads"]) == (["4"], ["1"])
    assert "idle links: 6 of 42 links (14 %)" in out
    assert "dead heads: a.q_proj, a.k_proj: 1\n" in out
    assert "left out (dense): dense\nleft out (head): lm_head\n" in out


def test_machines_get_json_of_a_checkpoint(weights, capsys):
    assert main(["diagnose", ".", "--n-heads", "2", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    network = tl.from_checkpoint(weights, n_heads=2)
    assert [name for name in printed if name in network] == list(network)
    assert printed["(network)"]["active_neurons"] == tl.diagnostics.active_neuron_rate(network)
    assert printed["(network)"]["dead_heads"] == 1
    assert printed["a.v_proj"]["fan_in_gini"] == tl.diagnostics.fan_in_gini(network["a.v_proj"])
    assert printed["(dead heads)"] == [{"writers": "a.q_proj, a.k_proj", "head": 1}]
    assert printed["(left out)"] == {"dense": "dense", "lm_head": "head"}


def test_without_groups_idle_links_are_unknown(weights, capsys):
    assert main(["diagnose", "model.safetensors", "--measures", "closure"]) == 0
    out = capsys.readouterr().out
    assert "idle_links" not in out
    assert "unknown without neuron groups: give --n-heads" in out
    assert "closure" in out.splitlines()[0]


def test_layers_can_be_chosen_and_drawn(weights, capsys):
    assert main(["diagnose", "model.safetensors", "--layers", "a.q*", "--plot", "q.png", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["(network)"]["n_layers"] == 1
    assert (weights / "q.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.safetensors", "--step", "3"], "--step does not apply to checkpoints"),
        (["model.safetensors", "--one-mode"], "--sides applies to graph files, not to checkpoints"),
        (["model.safetensors", "--n-heads", "3"], "--n-heads 3 does not fit 'a'"),
        (["none.safetensors"], "there is no file or folder 'none.safetensors'"),
        (["weights.pt"], "a pickle can run any program"),
        (["many.safetensors", "--plot", "x.png"], "has 61 layers: choose at most 60 with --layers"),
        (["layer.npz", "--n-heads", "2"], "--n-heads applies to checkpoints"),
        (["layer.npz", "--layers", "a"], "--layers applies to checkpoints"),
    ],
)
def test_a_mistake_is_one_line(words, message, weights, capsys):
    tl.BipartiteGraph(np.eye(2)).save("layer.npz")
    torch.save({}, "weights.pt")
    save_file({f"{i}.weight": torch.eye(2) for i in range(61)}, "many.safetensors")
    assert main(["diagnose", *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
