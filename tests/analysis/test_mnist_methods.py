"""The study of all methods: what it runs, and what it makes of the runs."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import topolearn as tl
from analysis import mnist_methods
from analysis.mnist_methods import draw, settings, study, table
from topolearn.errors import StudyError
from topolearn.evolution import METHODS
from topolearn.training import TrainConfig

COLUMNS = [
    "method", "backend", "seeds", "best_mean", "best_std", "last_mean", "last_std", "links", "active_neurons",
    "active_neurons_authors", "rare_pixels", "overlap", "seconds",
]  # fmt: skip


def test_every_method_runs_as_it_is():
    args = argparse.Namespace(data_dir=Path("data"), density=0.01, epochs=1, threads=1, seeds=2)
    runs = study(settings(), args).runs()
    assert [(run.label, run.seed) for run in runs] == [(label, seed) for seed in (0, 1) for label in settings()]
    configs = {run.label: run.config for run in runs}
    for name, row in METHODS.items():
        assert configs[name].build_method() == row.with_overrides({"density": 1.0 if row.is_dense else 0.01})
        assert configs[name].history == ("summary" if row.interval == 1 else "full")
    assert configs["deepr"].history == "summary"
    assert configs["topkast, every 100 steps"].build_method().interval == 100
    assert configs["rigl, CSTI"].build_method().generator == "csti"


OPTIONS = ("--data-dir", "data", "--density", 0.1, "--epochs", 1, "--seeds", 2, "--name", "some")
LABELS = ("deepr", "dense", "set, CSTI")


def test_rows_are_trained_once_and_written(digits_as_mnist, command, n_trained):
    command(mnist_methods, *OPTIONS, "--methods", *LABELS)
    assert [(config.method, config.seed) for config in n_trained] == [
        (label.partition(",")[0], seed) for seed in (0, 1) for label in LABELS
    ]
    for config in n_trained:
        assert (config.dataset, config.data_dir, config.epochs, config.threads) == ("mnist", "data", 1, 1)
        assert Path(config.run_dir).parent == Path("runs/mnist_methods").resolve()
    written = pd.read_csv("figures/some.csv")
    assert written.columns.tolist() == COLUMNS
    assert written["method"].tolist() == list(LABELS)
    assert (written["seeds"] == 2).all()
    assert Path("figures/some.png").stat().st_size > 10_000
    Path("figures/some.png").unlink()
    command(mnist_methods, *OPTIONS, "--table")  # trains nothing
    assert Path("figures/some.png").stat().st_size > 10_000
    command(mnist_methods, *OPTIONS, "--methods", *LABELS, "rigl", "rigl")
    assert [config.method for config in n_trained[6:]] == ["rigl"] * 2
    pd.testing.assert_frame_equal(pd.read_csv("figures/some.csv")[:3], written)


def test_runs_that_fail_are_named_and_come_again(command, n_trained, request):
    said = r"2 of 2 runs of study 'mnist_methods' .*\n  set, seed 0, failed: MissingFileError: MNIST needs .* in data:"
    with pytest.raises(StudyError, match=said):
        command(mnist_methods, *OPTIONS, "--methods", "set")
    assert not Path("figures").exists()
    request.getfixturevalue("digits_as_mnist")
    command(mnist_methods, *OPTIONS, "--methods", "set", "--threads", 2)
    assert [config.threads for config in n_trained] == [2, 2]
    assert pd.read_csv("figures/some.csv")["method"].tolist() == ["set"]


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
    figure = draw(found, "title")
    error, places = figure.axes[0].lines[0].get_data()
    np.testing.assert_allclose(error.astype(float), 1 - found["best_mean"].astype(float) / 100)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["set", "dense"]
    assert places.tolist() == [0, 1]
