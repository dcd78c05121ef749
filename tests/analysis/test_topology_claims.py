"""The study of what networks become: what it measures, and what it draws."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import topolearn as tl
from analysis import topology_claims
from analysis.topology_claims import NETWORK, PANELS, STARTS, draw, measure, of_network, shuffled, study
from topolearn import diagnostics


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    options = {"hidden": (24, 24, 24), "epochs": 4, "threads": 1, "measures": ("none",), "method": "chts"}
    path = tmp_path_factory.mktemp("runs") / "bsw-s0"
    config = tl.TrainConfig(density=0.15, overrides={"generator": "bsw"}, run_dir=str(path), **options)
    return tl.train(config, quiet=True)


def test_starts_differ_in_nothing_else(tmp_path):
    args = argparse.Namespace(data_dir=tmp_path, density=0.01, epochs=3, hidden=[9], seeds=1)
    first, second = (run.config.to_dict() for run in study(args).runs())
    assert {key for key in first if first[key] != second[key]} == {"overrides"}
    assert [values["overrides"] for values in (first, second)] == [{"generator": start} for start in STARTS]


@pytest.mark.slow
def test_runs_are_trained_once_measured_and_written(digits_as_mnist, command, n_trained):
    options = ("--data-dir", digits_as_mnist, "--hidden", 24, 24, "--density", 0.2, "--epochs", 2, "--states", 2)
    command(topology_claims, *options, "--seeds", 2)
    assert [(config.overrides["generator"], config.seed) for config in n_trained] == [
        (start, seed) for seed in (0, 1) for start in STARTS
    ]
    for config in n_trained:
        assert (config.method, config.hidden, config.measures, config.threads) == ("chts", (24, 24), (), 1)
        assert Path(config.run_dir).parent == Path("runs/topology_claims").resolve()
    written = pd.read_csv("figures/topology_claims.csv")
    assert {"step", "layer", "start", "seed", "epoch", *PANELS} <= set(written)
    assert written["layer"].tolist() == ["hidden1", "hidden2", NETWORK] * 2 * 4
    assert written.drop_duplicates(["start", "seed"])[["start", "seed"]].to_numpy().tolist() == [
        [start, seed] for seed in (0, 1) for start in STARTS
    ]
    assert Path("figures/topology_claims.png").stat().st_size > 10_000
    command(topology_claims, *options, "--seeds", 1)
    assert len(n_trained) == 4
    assert len(pd.read_csv("figures/topology_claims.csv")) == 2 * 3 * 2


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
