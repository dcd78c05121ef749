"""Table 2: what its rows train, what its numbers are made of, and the topology of its runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import transformer_topology, translation_topology
from analysis.table2_translation import GROUPS, STEPS, study
from analysis.transformer_runs import curve, draw, for_equal_work, mean_density, parameters_of
from analysis.translation_results import BLEU, PAPER, table
from tests.tasks.translation.small import config, corpus
from topolearn.tasks.translation import train
from topolearn.tasks.translation.model import IDLE

pytest.importorskip("transformers")
pytest.importorskip("sacrebleu")
pytestmark = pytest.mark.filterwarnings("ignore:sparsify leaves dense")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    path = tmp_path_factory.mktemp("table2")
    options = {"steps": 8, "update_interval": 2}
    with pytest.warns(UserWarning):
        return {
            name: train(config(path / name, name, **options), corpus=corpus(), quiet=True)
            for name in ("chtss", "dense")
        }


def test_rows_differ_in_what_their_labels_say():
    runs = [run for name in GROUPS for run in study(name, 3 if name == "seeds" else 1, Path("data")).runs()]
    assert len(runs) == 18 + 10 + 12
    assert set(PAPER) <= {run.label for run in runs}
    for run in runs:
        method, percent = run.config.build_method(), run.label.partition(" %")[0].rpartition(" ")[2]
        if run.label.startswith("FC"):
            assert method.is_dense
            assert run.config.gain == (1.0 if run.label == "FC, Xavier" else 0.1**0.5)
        else:
            assert method.density == int(percent) / 100
            assert run.config.init == ("he" if run.label.endswith("He") else "keep")
        assert method.regrown == ("history" if run.label.endswith("history") else "zero")
        falls = not method.is_dense and method.start_density is not None
        rate = float(run.label.rpartition(" ")[2]) if ", lr " in run.label else 4e-3 if falls else 2e-3
        assert run.config.lr == rate
        assert run.config.steps == (STEPS // 3 if ", lr " in run.label else STEPS)


def test_work_is_that_of_the_links_and_the_generator(runs):
    dense = curve(runs["dense"], 8, BLEU)
    assert dense["work"].tolist() == pytest.approx(dense["step"] / 8)
    assert mean_density(runs["dense"]) == 1
    run = runs["chtss"]
    cells, generator = 12 * 16 * 16 + 4 * 16 * 24, 16 * 300
    ends = [*run.network["step"], 8]
    links = sum(n * (b - a) for n, a, b in zip(run.network["n_links"], ends[:-1], ends[1:], strict=True))
    assert run.network["density"].iloc[-1] < run.network["density"].iloc[0]
    assert curve(run, 8, BLEU)["work"].iloc[-1] == pytest.approx((links / 8 + generator) / (cells + generator))
    assert mean_density(run) == pytest.approx(links / 8 / cells)


def test_parameters_are_those_that_are_used(runs):
    for run in runs.values():
        assert parameters_of(run, IDLE) == run.summary["n_parameters"]


def test_quality_for_equal_work_is_read_between_evaluations():
    values = {"work": [0.1, 0.3, 1.0], "val_bleu": [10.0, 20.0, 30.0]}
    curves = pd.concat([pd.DataFrame(values).assign(label="FC", seed=seed) for seed in (0, 1)])
    short = pd.DataFrame({"work": [0.1, 0.3], "val_bleu": [20.0, 26.0]}).assign(label="SET", seed=0)
    equal = for_equal_work(pd.concat([curves, short]), BLEU, (0.05, 0.2, 1.0))
    assert equal.loc["FC"].tolist() == ["", "15.0", "30.0"]
    assert equal.loc["SET"].tolist() == ["", "23.0", ""]


def test_tables_and_curves_are_drawn(runs):
    lines = [curve(run, 8, BLEU).assign(label=name, seed=0) for name, run in runs.items()]
    figure = draw(pd.concat(lines), BLEU, "title")
    assert [len(ax.lines) for ax in figure.axes] == [2, 2, 2]
    values = {"bleu": 30.0, "chrf": 50.0, "val_bleu": 31.0, "links": 10, "parameters": 20, "work": 0.3}
    row = table(pd.DataFrame([{"label": "CHTs 10 %", "mean_density": 0.1, "seconds": 120, **values}] * 2))
    assert row.loc["CHTs 10 %", ["seeds", "BLEU", "work", "paper's BLEU"]].tolist() == [
        2,
        "30.00 (0.00)",
        "30%",
        "30.35",
    ]


def test_topology_of_a_run_by_place_and_kind(runs):
    run = runs["chtss"]
    rows = transformer_topology.of_run(run, 3, translation_topology.population)
    assert rows["step"].unique().tolist() == [0, 2, 6]
    assert len(rows) == 3 * 8
    for step, of_step in rows.groupby("step"):
        assert of_step["links"].sum() == sum(graph.n_links for graph in run.history.at(step).values())
        assert (of_step["heads"] == np.where(of_step["kind"] == "feed-forward", 0, 2)).all()
    updates = run.history.updates
    assert rows[rows["step"] == 6]["percolated"].sum() == updates["percolated"].sum()
    grown, kinds = run.history, rows[rows["step"] == 6].groupby("kind")["itop"]
    ever = {
        name: np.logical_or.reduce([g[name].to_scipy().toarray() for _, g in grown.replay()]) for name in grown.layers
    }
    ffn = [each for name, each in ever.items() if name.endswith(("fc1", "fc2"))]
    assert kinds.mean()["feed-forward"] == pytest.approx(np.concatenate([each.ravel() for each in ffn]).mean())
    assert rows["itop"].between(rows["density"], 1).all()
    assert len(transformer_topology.draw(rows, "title").axes) == 6


@pytest.mark.slow
def test_percolation_works_everywhere_at_one_per_cent_and_nowhere_at_ten():
    assert all(n > 50 for n in translation_topology.percolated_at(0.01).values())
    assert not any(translation_topology.percolated_at(0.1).values())
