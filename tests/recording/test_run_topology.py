"""The network that the layers of a run form is the model's, not a guess from their order."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.plotting.explorer_data import data_of
from topolearn.cli import main
from topolearn.diagnostics import network_summary
from topolearn.errors import CorruptFileError, InvalidValueError


class Block(nn.Module):
    """Attention and a gated feed-forward block of equal widths, whose layers look like a chain by their sizes."""

    def __init__(self, width=16):
        super().__init__()
        self.attention = tl.Attention(width, 2)
        self.gate, self.up, self.down = (nn.Linear(width, width) for _ in range(3))

    def neuron_groups(self):
        return [tl.NeuronGroup(("gate", "up"), ("down",), combine="all")]

    def forward(self, x):
        x = x + self.attention(x, x, x)[0]
        return x + self.down(torch.sigmoid(self.gate(x)) * self.up(x))


def recorded(path, method="chts", **named):
    """Record a short loop, and return its run and its topology at the end."""
    torch.manual_seed(0)
    rule = tl.method(method, density=0.15) if method != "dense" else tl.method("dense", density=1.0)
    model = tl.sparsify(Block(), rule)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=20, interval=4)
    with tl.record(path, {"block": topology} if named else topology, measures=["none"]) as recorder:
        for _ in range(20):
            optimizer.zero_grad()
            model(torch.randn(2, 3, 16)).square().mean().backward()
            optimizer.step()
            topology.step()
            recorder.log(loss=1.0)
    return tl.Run(path), topology


@pytest.mark.parametrize("named", [{}, {"named": True}], ids=["one", "named"])
def test_a_run_knows_its_neuron_groups(tmp_path, named):
    run, topology = recorded(tmp_path / "run", **named)
    network, prefix = topology.network(), "block." if named else ""
    again = run.topology_at()
    assert dict(again.graphs) == {prefix + name: graph for name, graph in network.graphs.items()}
    assert len(again.groups) == len(network.groups) == 3
    for one, other in zip(again.groups, network.groups, strict=True):
        assert one.layers == tuple(prefix + name for name in other.layers)
        assert (one.combine, one.heads, one.rotary) == (other.combine, other.heads, other.rotary)
    before = run.topology_at(run.history.steps[0])
    assert before.groups == again.groups and before.graphs != again.graphs


def test_diagnose_prints_what_the_run_recorded(tmp_path, capsys):
    run, topology = recorded(tmp_path / "run")
    names = ["active_neurons", "hub_share", "n_components"]
    assert main(["diagnose", str(run.path), "--json", "--measures", *names]) == 0
    (values,) = [table for name, table in json.loads(capsys.readouterr().out).items() if "network" in name]
    expected = network_summary(topology.network(), names)
    assert {name: values[name] for name in names} == pytest.approx({name: expected[name] for name in names})
    assert values["active_neurons"] == pytest.approx(run.network["active_neurons"].iloc[-1])
    guessed = network_summary(tl.LayeredNetwork(dict(topology.network().graphs)), names)  # as a chain of all layers
    assert values["active_neurons"] != pytest.approx(guessed["active_neurons"])


def test_the_explorer_joins_layers_where_their_neurons_meet(tmp_path):
    run, topology = recorded(tmp_path / "run")
    layers = {layer["name"]: layer for layer in data_of(run.explore().html)["layers"]}
    for group in topology.network().groups:
        ends = {layers[name]["target"] for name in group.writers} | {layers[name]["source"] for name in group.readers}
        assert len(ends) == 1


def test_an_earlier_run_takes_its_groups_from_its_model(tmp_path):
    shutil.copytree(Path(__file__).parent / "earlier_run", tmp_path / "run")
    run = tl.Run(tmp_path / "run")
    assert [group.layers for group in run.topology_at().groups] == [*pairwise(run.history.layers)]


@pytest.mark.filterwarnings("ignore::topolearn.errors.ChangedFileWarning")
def test_a_custom_loop_of_an_earlier_version_is_a_chain_only_if_its_sizes_match(tmp_path):
    run, _ = recorded(tmp_path / "run")
    file = run.path / "recording.json"
    recording = json.loads(file.read_text())
    file.write_text(json.dumps({key: value for key, value in recording.items() if key != "groups"}))
    again = tl.Run(run.path)
    assert again.groups is None
    assert len(again.topology_at().groups) == len(again.history.layers) - 1


@pytest.mark.parametrize("groups", [[{"writers": []}], [{"colour": "red"}], [{"writers": ["a"], "readers": "b"}], {}])
@pytest.mark.filterwarnings("ignore::topolearn.errors.ChangedFileWarning")
def test_damaged_groups_are_reported(tmp_path, groups):
    run, _ = recorded(tmp_path / "run")
    file = run.path / "recording.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"groups": groups}))
    with pytest.raises(CorruptFileError, match=r"recording\.json is not a valid recording\.json"):
        tl.Run(run.path).topology_at()


def test_a_dense_model_with_gates_is_recorded_with_its_groups(tmp_path):
    run, _ = recorded(tmp_path / "run", "dense")
    assert run.network["active_neurons"].iloc[-1] == 1
    with pytest.raises(InvalidValueError, match="is dense: there is no topology to measure"):
        run.topology_at()
