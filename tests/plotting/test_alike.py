"""Runs that differ only in their seeds share a line and a band; others are labelled by what they differ in."""

import numpy as np
import pandas as pd
import pytest

from tests.plotting.fake_run import fake_run
from topolearn import plotting
from topolearn.errors import InvalidValueError
from topolearn.plotting.alike import alike


def run_of(folder, name, seed, **values):
    run = fake_run(folder / name, shapes={"fc1": (20, 10)}, epochs=4, updates=3, seed=seed)
    run.config.seed = seed
    for field, value in values.items():
        setattr(run.config, field, value)
    return run


@pytest.fixture
def study(tmp_path):
    """Three methods with three seeds each, in directories named by hashes."""
    settings = [{"method": "set"}, {"method": "chts"}, {"method": "chts", "density": 0.1}]
    return [run_of(tmp_path, f"{i}{seed}ab", seed, **each) for i, each in enumerate(settings) for seed in range(3)]


def test_runs_of_a_study_are_labelled_by_what_they_differ_in(study):
    groups = alike(study)
    assert list(groups) == ["set, density 0.05", "chts, density 0.05", "chts, density 0.1"]
    assert [[run.config.seed for run in group] for group in groups.values()] == [[0, 1, 2]] * 3
    assert list(alike(study[:6])) == ["set", "chts"]
    assert list(alike(study[:3])) == ["set"]


def test_single_and_identical_runs_are_labelled_by_name(study):
    assert list(alike(study[:1])) == [study[0].name]
    assert list(alike([study[0], study[0]])) == [study[0].name, f"{study[0].name} (2)"]
    study[1].config = None
    assert list(alike(study[:2])) == [run.name for run in study[:2]]


def test_overrides_of_methods_are_compared(study):
    for run, overrides in zip(study[:2], ({"zeta": 0.3}, {"zeta": 0.1}), strict=True):
        run.config = {"method": "set", "overrides": overrides, "run_dir": run.name}
    assert list(alike(study[:2])) == ["zeta=0.3", "zeta=0.1"]


def test_means_and_bands_are_those_of_the_seeds(study):
    ax = plotting.accuracy(study[:6])
    assert len(ax.lines) == 4
    assert len(ax.collections) == 2
    values = np.stack([run.metrics["test_accuracy"] for run in study[:3]])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), values.mean(axis=0))
    corners = ax.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(values.min())
    assert corners[:, 1].max() == pytest.approx(values.max())
    assert "mean of 3 seeds" in ax.get_legend().get_texts()[0].get_text()


def test_seeds_of_different_lengths_share_their_common_times(study):
    study[0].metrics = study[0].metrics.iloc[:2]
    assert len(plotting.accuracy(study[:3]).lines[0].get_xdata()) == 2


def test_seeds_without_a_common_time_raise(study):
    study[0].metrics = study[0].metrics.iloc[:1]
    study[1].metrics = study[1].metrics.iloc[2:]
    with pytest.raises(InvalidValueError, match="never tested at the same epoch: plot them one by one"):
        plotting.accuracy(study[:2])


def test_of_several_rows_at_a_time_the_last_is_drawn(study):
    twice = study[0].metrics.iloc[[0, 1, 1, 2, 3]].reset_index(drop=True)
    study[0].metrics = twice.assign(test_accuracy=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert plotting.accuracy(study[0]).lines[0].get_ydata().tolist() == [0.1, 0.3, 0.4, 0.5]


def measured(run, values):
    rows = [{"index": i, "step": 100 * i, "layer": "fc1", "sigma": value} for i, value in enumerate(values)]
    run.measures = pd.DataFrame(rows)
    return run


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([3.0, 2.0, 0.9, 0.8], "fc1, above until step 100"),
        ([3.0, 0.9, 2.0], "fc1"),
        ([0.5, 0.9], "fc1, never above"),
    ],
)
def test_the_label_of_a_layer_says_when_it_stops_being_a_small_world(study, values, said):
    ax = plotting.measure(measured(study[0], values), "sigma")
    line, reference = ax.lines
    assert line.get_label() == said
    assert set(reference.get_ydata()) == {1.0}


def test_settings_implied_by_the_method_are_left_out(study):
    for run, (method, zeta) in zip(study[:3], (("set", 0.3), ("set", 0.1), ("rigl", None)), strict=True):
        overrides = {"zeta": zeta, "generator": "er" if method == "set" else "bsw"}
        run.config = {"method": method, "overrides": overrides, "seed": 0}
    assert list(alike(study[:3])) == ["set, zeta=0.3", "set, zeta=0.1", "rigl, zeta=None"]
    assert list(alike(study[1:3])) == ["set", "rigl"]
