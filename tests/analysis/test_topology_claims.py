"""The study of what networks become: what it measures, and what it draws."""

import argparse

import numpy as np
import pandas as pd
import pytest

import topolearn as tl
from analysis.topology_claims import NETWORK, PANELS, STARTS, config_of, draw, measure, of_network, shuffled
from topolearn import diagnostics


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    options = {"hidden": (24, 24, 24), "epochs": 4, "threads": 1, "measures": ("none",), "method": "chts"}
    path = tmp_path_factory.mktemp("runs") / "bsw-s0"
    config = tl.TrainConfig(density=0.15, overrides={"generator": "bsw"}, run_dir=str(path), **options)
    return tl.train(config, quiet=True)


def test_starts_differ_in_nothing_else(tmp_path):
    args = argparse.Namespace(data_dir=tmp_path, density=0.01, epochs=3, hidden=[9], runs=tmp_path)
    first, second = (config_of(start, 0, args).to_dict() for start in STARTS)
    assert {key for key in first if first[key] != second[key]} == {"overrides", "run_dir"}


def test_states_are_measured_layer_by_layer_and_as_a_network(run):
    table = measure(run.path, 3)
    names = run.history.layers
    assert table["layer"].tolist() == [*names, NETWORK] * 3
    assert table["step"].unique().tolist() == [run.history.steps[i] for i in (0, 2, 3)]
    assert table["epoch"].iloc[-1] == 3
    last = run.history.at(run.history.steps[-1])
    row = table[(table["step"] == run.history.steps[-1])].set_index("layer")
    assert row.loc[names[1], "closure"] == pytest.approx(diagnostics.closure(last[names[1]]))
    assert row.loc[NETWORK, "active_neurons"] == diagnostics.active_neuron_rate(tl.LayeredNetwork(last))
    figure = draw(pd.concat([table.assign(start=start) for start in STARTS]), "a title")
    assert [ax.get_ylabel() for ax in figure.axes] == list(PANELS.values())
    assert len(figure.axes[0].lines) == 2 * len(names)


def test_hubs_in_line_are_told_from_hubs_by_chance():
    layers = {f"layer{i}": tl.generators.make("bsf", 60, 60, 0.08, seed=i) for i in range(3)}
    by_chance = shuffled(tl.LayeredNetwork(layers), np.random.default_rng(0))
    in_line = tl.generators.resort(tl.LayeredNetwork(layers))
    assert [sorted(g.fan_out) for g in by_chance.graphs.values()] == [sorted(g.fan_out) for g in layers.values()]
    low, high = (of_network(network) for network in (by_chance, in_line))
    assert abs(low["in_line"]) < 0.3
    assert high["in_line"] > 0.9
    assert low["alignment"] < 1.2
    assert high["alignment"] > 1.5
