"""The study of all methods: what it runs, and what it makes of the runs."""

import argparse
from pathlib import Path

import numpy as np
import pytest

import topolearn as tl
from analysis.mnist_methods import CURVES, config_of, draw, settings, table
from topolearn.evolution import METHODS
from topolearn.training import TrainConfig


def test_every_method_runs_as_it_is_and_no_two_runs_share_a_folder():
    args = argparse.Namespace(data_dir=Path("data"), density=0.01, epochs=1, threads=1, runs=Path("runs"))
    configs = {label: config_of(label, 0, args) for label in settings()}
    for name, row in METHODS.items():
        assert configs[name].build_method() == row.with_overrides({"density": 1.0 if row.is_dense else 0.01})
    assert len({config.run_dir for config in configs.values()}) == len(configs)


def test_table_and_figure(tmp_path):
    runs = {}
    for method in ("set", "dense"):
        runs[method] = []
        for seed in (0, 1):
            config = TrainConfig(
                method=method, hidden=(16,), epochs=2, threads=1, seed=seed, run_dir=tmp_path / f"{method}-{seed}"
            )
            runs[method].append(tl.train(config, quiet=True))
    pixels = np.arange(64) < 16
    found = table(runs, pixels)
    for method, several in runs.items():
        row = found.loc[method]
        best, last = ([run.summary[f"{word}_accuracy"] for run in several] for word in ("best", "last"))
        assert row["seeds"] == 2
        assert row["last_mean"] == pytest.approx(100 * np.mean(last), abs=1e-3)
        assert row["last_std"] == pytest.approx(100 * np.std(last, ddof=1), abs=1e-3)
        assert row["best_mean"] == pytest.approx(100 * np.mean(best), abs=1e-3)
    shares = [tl.topology_of(run.load_model("last"))["hidden1"].fan_out[pixels].sum() / 51 for run in runs["set"]]
    assert found.loc["set", "links"] == 51
    assert found["rare_pixels"].tolist() == pytest.approx([100 * np.mean(shares), 25.0], abs=1e-3)
    figure = draw(runs, "title")
    error = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(error, 1 - np.mean([run.metrics["test_accuracy"] for run in runs["set"]], axis=0))
    assert len(figure.axes) == len(CURVES)
