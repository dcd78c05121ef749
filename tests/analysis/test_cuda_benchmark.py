"""The benchmark of an accelerator: all of it at small sizes on the pretend device, its limits, and its goals."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import topolearn as tl
from analysis.benchmarks.cuda import session
from analysis.benchmarks.cuda.__main__ import main, measure
from analysis.benchmarks.cuda.catalogue import GRACE, MOST_MIB, MOST_SECONDS, STAGES, carried_mib, estimate
from analysis.benchmarks.cuda.goals import NOT_MEASURED, PASS, SHORT, goals
from analysis.benchmarks.cuda.session import here, in_process
from analysis.benchmarks.cuda.sizes import REAL, SMALL
from analysis.benchmarks.cuda.stage import Stage
from topolearn.evolution import METHODS
from topolearn.sparse.choice import Crossovers, _read

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
EVOLVING = {name for name, row in METHODS.items() if row.evolves}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_all_of_it_runs_on_the_pretend_device(pretend, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tl.Run, "report", lambda self, **_: self.path / "report.html")  # whose pictures take seconds
    measure("pretend", tmp_path, small=True, names=list(STAGES), run=here)
    result = json.loads((tmp_path / "cuda.json").read_text())
    assert list(result["stages"]) == list(STAGES)
    rows = {name: stage["rows"] for name, stage in result["stages"].items()}
    assert {stage["ended"] for stage in result["stages"].values()} == {"complete"}
    assert not [row for each in rows.values() for row in each if "failed" in row]
    skipped = {row["skipped"] for each in rows.values() for row in each if "skipped" in row}
    assert {"there are no CUDA graphs on pretend", "torch.compile does not support pretend"} <= skipped
    assert {row["method"]: row["differ after the last update"] for row in rows["placement"]} == dict.fromkeys(
        EVOLVING, 0
    )
    assert all(row["off-link weights"] == 0 for row in rows["placement"])
    assert [row["updates"] for row in rows["tokens"]] == [0, 1]
    assert rows["training"][-1]["data"] == "patterns like MNIST"
    verdicts = {goal["name"]: goal["verdict"] for goal in result["goals"]}
    assert verdicts["links of the first update, as on the CPU"] == PASS
    assert verdicts["host waits per layer and update"] == NOT_MEASURED
    assert "| weights off the links | 0 | 0, 13 methods | pass |" in (tmp_path / "cuda.md").read_text()
    assert _read(tmp_path / "crossovers-pretend.json", 0) == Crossovers([1], [8, 16], [1, 8], [[[0.0] * 2] * 2])
    assert capsys.readouterr().out.rstrip().endswith("cuda.json")
    main(["--figure", str(tmp_path / "cuda.json")])
    assert (tmp_path / "cuda.png").stat().st_size > 10_000


def test_a_stage_in_its_own_process_measures_the_same(tmp_path):
    result = measure("cpu", tmp_path, small=True, names=["link prediction"], run=in_process)
    stage = result["stages"]["link prediction"]
    assert (stage["ended"], len(stage["rows"])) == ("complete", 8)
    assert all(row["ms"] > 0 for row in stage["rows"])


def test_a_stage_that_hangs_is_ended_and_its_rows_are_kept(tmp_path, monkeypatch):
    script = "import sys, time; open(sys.argv[-1], 'a').write('{\"predictor\": 1}\\n'); time.sleep(60)"
    started = session.subprocess.Popen

    def hanging(command, **options):
        return started([sys.executable, "-c", script, command[command.index("--rows") + 1]], **options)

    monkeypatch.setattr(session.subprocess, "Popen", hanging)
    monkeypatch.setitem(session.STAGES, "link prediction", replace(STAGES["link prediction"], limit=2 - GRACE))
    session.Session(CPU, tmp_path, small=True, run=in_process).measure(["link prediction"])
    stage = json.loads((tmp_path / "cuda.json").read_text())["stages"]["link prediction"]
    assert stage["rows"] == [{"predictor": 1}]
    assert stage["ended"] == "cut short: 7 of 8 cases were not measured (ended after 2 s)"


def stage_of(measure, **options):
    return Stage("s", 60, lambda *_: [{"n": 1}, {"n": 2}], measure, lambda *_: 1, **options)


def test_after_its_limit_no_case_begins_and_a_failure_is_a_row():
    rows = []
    replace(stage_of(lambda *_: {}), limit=0).rows(SMALL, CPU, rows.append)
    assert rows == []

    def fail_first(case, *_):
        if case["n"] == 1:
            raise ValueError("no\nway")
        return {"ms": 1}

    stage_of(fail_first).rows(SMALL, CPU, rows.append)
    assert [{**row, "seconds": 0} for row in rows] == [
        {"n": 1, "failed": "ValueError: no", "seconds": 0}, {"n": 2, "ms": 1, "seconds": 0},
    ]  # fmt: skip


def test_what_is_measured_is_written_before_the_next_case_begins(tmp_path, monkeypatch):
    seen = []

    def look(case, *_):
        if case["n"] == 2:
            seen.extend(json.loads((tmp_path / "cuda.json").read_text())["stages"]["s"]["rows"])
        return {}

    monkeypatch.setitem(session.STAGES, "s", stage_of(look))
    session.Session(CPU, tmp_path, small=True, run=here).measure(["s"])
    assert [row["n"] for row in seen] == [1]


def test_a_stage_whose_packages_are_missing_is_skipped_by_name(tmp_path, monkeypatch):
    monkeypatch.setitem(session.STAGES, "s", stage_of(lambda *_: {}, needs=("numpy", "no_such_package")))
    result = session.Session(CPU, tmp_path, small=True, run=here).measure(["s"])
    assert result["stages"]["s"]["ended"] == "skipped: no_such_package not installed"


def test_it_fits_into_eight_minutes_and_what_may_be_carried(capsys):
    assert sum(stage.limit + GRACE for stage in STAGES.values()) < MOST_SECONDS
    for stage in STAGES.values():
        assert sum(stage.seconds(case, REAL) for case in stage.cases(REAL, CPU)) <= stage.limit
    if (ROOT / ".git").exists():
        assert 1 < carried_mib(ROOT) <= MOST_MIB
    assert estimate(REAL, CPU).count("\n") == len(STAGES) + 2


def test_a_device_that_is_not_here_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="device='toaster' is unknown"):
        main(["--device", "toaster", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="there is no result"):
        main(["--figure", str(tmp_path / "none.json")])


STEP = {"block": "b", "precision": "p", "mode": "m"}
SCORE = {"predictor": "ch2_l3n", "axis": "density"}


@pytest.mark.parametrize(
    ("stage", "rows", "verdict"),
    [
        ("steps", [{**STEP, "masked over dense, update included": 1.03}], PASS),
        ("steps", [{**STEP, "masked over dense, update included": 1.04}], SHORT),
        ("steps", [{**STEP, "failed": "RuntimeError: no"}], SHORT),
        ("steps", [{**STEP, "skipped": "no"}], NOT_MEASURED),
        ("placement", [{"method": "set", "links": 1000, "differ after the first update": 1}], PASS),
        ("placement", [{"method": "set", "links": 1000, "differ after the first update": 2}], SHORT),
        ("updates", [{"method": "set", "waits a layer": 5.0}, {"method": "deepr", "waits a layer": 9.0}], PASS),
        ("updates", [{"method": "set", "waits a layer": 5.1}], SHORT),
        ("updates", [{"method": "set", "failed": "no"}], SHORT),
        ("updates", [{"method": "set", "waits a layer": None}], NOT_MEASURED),
        ("updates", [{"method": "set", "waits a layer": 5.0}, {"method": "rigl", "failed": "no"}], SHORT),
        ("tokens", [{"method": "dense", "tokens a second": 100}, {"method": "chts", "tokens a second": 97}], PASS),
        ("tokens", [{"method": "dense", "tokens a second": 100}, {"method": "chts", "tokens a second": 96}], SHORT),
        ("tokens", [{"method": "dense", "tokens a second": 100}], NOT_MEASURED),
        ("training", [{"device": "cuda", "test accuracy": 0.9}, {"device": "cpu", "test accuracy": 0.905}], PASS),
        ("training", [{"device": "cuda", "test accuracy": 0.8}, {"device": "cpu", "test accuracy": 0.9}], SHORT),
        ("training", [{"device": "cpu", "test accuracy": 0.9}], NOT_MEASURED),
        ("link prediction", [{**SCORE, "density": d, "ms": d} for d in (1, 2)], PASS),
        ("link prediction", [{**SCORE, "density": d, "ms": d} for d in (1, 3)], SHORT),
        ("backends", [{"width": 8, "batch": 1, "density": 0.1}], PASS),
        ("backends", [{"width": 8, "batch": 1, "failed": "no"}], NOT_MEASURED),
    ],
)  # fmt: skip
def test_a_goal_is_reached_or_not(stage, rows, verdict):
    n_lines = {"placement": 0, "steps": 2, "updates": -5, "tokens": -4, "training": -3, "link prediction": -2}
    lines = goals({"stages": {stage: {"rows": rows, "cases": len(rows)}}})
    assert lines[n_lines.get(stage, -1)].verdict == verdict
