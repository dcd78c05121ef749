"""Table 3: what its rows train, and what its numbers are made of."""

from pathlib import Path

import pandas as pd
import pytest

from analysis import language_topology
from analysis.language_results import PAIRS, PAPER, PERPLEXITY, table
from analysis.table3_llama import DRAWN, FC, GROUPS, KEPT, SEVERAL, SPARSE, STEPS, rows_of, study
from analysis.transformer_runs import differences, draw, write
from analysis.transformer_topology import last_states, of_studies
from tests.tasks.language.small import config, write_corpus
from topolearn.studies import Study
from topolearn.studies.directory import StudyDirectory
from topolearn.tasks.language import train

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")


def test_rows_differ_in_what_their_labels_say():
    planned = {name: study(name, 2 if name in SEVERAL else 1, Path("data")).runs() for name in GROUPS}
    assert {name: len(runs) for name, runs in planned.items()} == {
        "rates": 15,
        "methods": 30,
        "bf16": 8,
        "starts": 4,
        "sparsities": 14,
    }
    runs = [run for of_group in planned.values() for run in of_group]
    assert set(PAPER) == {run.label for name in ("methods", "sparsities") for run in planned[name]}
    assert {label for pair in PAIRS for label in pair} <= {run.label for run in runs}
    for run in runs:
        method, name = run.config.build_method(), run.label.partition(",")[0]
        assert (name == "FC") == method.is_dense
        if not method.is_dense:
            assert method.density == pytest.approx(1 - int(name.split()[1]) / 100)
            assert method.name == SPARSE[name.split()[0]]["method"]
        assert run.config.steps == (STEPS // 3 if ", lr " in run.label else STEPS)
        precision = "bf16" if "bf16 products" in run.label else "bf16-true" if "bf16" in run.label else "float32"
        assert run.config.precision == precision
        assert (method.generator == "brf") == ("BRF" in run.label)
        assert (method.regrown == "history") == ("history" in run.label)
        assert run.config.init is None


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table3")
    write_corpus(folder)
    tiny = config(folder, "x").to_dict()
    own = {"method", "density", "lr", "overrides", "seed", "run_dir", "init"}
    base = {name: value for name, value in tiny.items() if name not in own and value is not None}
    settings = ({"label": "FC", **FC}, {"label": "CHTs 70 %", **SPARSE["CHTs"], "density": 0.3})
    one = Study(name="tiny", base=base | {"update_interval": 3}, settings=settings, seeds=(0,), task="language")
    StudyDirectory(folder / "runs", one).prepare()
    for run in one.runs():  # in this process, as a worker would take seconds to import what is imported here
        train(run.config.with_values({"run_dir": str(folder / "runs" / run.id)}), quiet=True)
    return one, folder / "runs"


@pytest.fixture(scope="module")
def rows(place):
    return rows_of(*place)


def test_the_rows_of_a_study(rows):
    runs, curves = rows
    assert list(runs.columns) == list(KEPT)
    assert list(curves.columns) == list(DRAWN)
    fc, chts = runs.to_dict("records")
    assert (fc["method"], fc["work"]) == ("dense", pytest.approx(12 / STEPS))
    assert pd.isna([fc["sparsity"], fc["start"]]).all()
    assert (chts["sparsity"], chts["start"], chts["regrown"], chts["init"]) == (0.7, "bsw", "zero", "keep")
    assert chts["mean_density"] == pytest.approx(0.3, abs=0.02)
    assert chts["parameters"] == fc["parameters"] - fc["links"] + chts["links"]
    lines = curves[curves["label"] == "FC"]
    assert fc["perplexity"] == lines["val_perplexity"].min() < fc["word_perplexity"]
    assert lines["work"].tolist() == pytest.approx((lines["step"] / STEPS).tolist())


def test_the_topology_of_a_run_by_block_and_kind(place):
    one, directory = place
    table = of_studies([(one, directory)], 3, language_topology.population)
    assert table["label"].unique().tolist() == ["CHTs 70 %"]
    assert sorted(table["step"].unique()) == [0, 3, 9]
    assert len(table) == 3 * 2 * 3
    assert (table.groupby("step")["links"].sum() == table[table["step"] == 0]["links"].sum()).all()
    first, last = table[table["step"] == 0], table[table["step"] == 9]
    assert (first["itop"].round(9) == first["density"].round(9)).all()
    assert (last["itop"].to_numpy() > first["itop"].to_numpy()).all()


def test_without_a_finished_run_no_file_is_written(place, rows, tmp_path):
    none = tuple(table.iloc[:0] for table in rows)
    with pytest.raises(SystemExit, match=r"no run is finished yet, so .*table3_llama.csv is not written"):
        write([none], tmp_path / "table3_llama.csv", KEPT, DRAWN, place[0].runs())
    assert list(tmp_path.iterdir()) == []
    write([none, rows], tmp_path / "table3_llama.csv", KEPT, DRAWN, place[0].runs())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["table3_curves.csv", "table3_llama.csv"]


def test_tables_and_curves_are_drawn(rows):
    runs, curves = rows
    shown = table(runs.assign(work=1.0))
    assert shown.loc["FC", ["seeds", "over FC", "paper's"]].tolist() == [1, "+0.0%", "19.27"]
    assert shown.loc["CHTs 70 %", "paper's"] == "20.10"
    both = runs.assign(label=["FC", "CHTs 90 %"])
    assert differences(both, PERPLEXITY, PAIRS).index.tolist() == ["CHTs 90 % - FC"]
    assert [len(ax.lines) for ax in draw(curves, PERPLEXITY, "title").axes] == [2, 2]


def test_the_last_state_is_that_of_each_run_whatever_its_last_update():
    rows = [
        ("SET 90 %", 0, 0, 0.9), ("SET 90 %", 0, 30, 0.2), ("SET 90 %", 1, 20, 0.4), ("RigL 90 %", 0, 10, 0.6),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["label", "seed", "step", "fan_in_gini"])
    last = last_states(table.assign(weakest_head=0.5, active_neurons=1.0, itop=table["fan_in_gini"]))
    assert last["Gini coefficient of fan-in"].to_dict() == {"SET 90 %": "0.20 to 0.40", "RigL 90 %": "0.60"}
    assert last["cells that have been links (ITOP)"].to_dict() == {"SET 90 %": "20% to 40%", "RigL 90 %": "60%"}
