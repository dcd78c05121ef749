"""A study gives the same results on every executor, even if processes are killed."""

import os
import queue
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.studies.small import METHODS, small_study
from topolearn.errors import InvalidValueError, MissingPackageError
from topolearn.studies import results, run_study
from topolearn.studies.executors import Plan, processes
from topolearn.studies.work import Outcome
from topolearn.training import Run

ROOT = Path(__file__).parents[2]
SLOW = pytest.mark.slow
TIMES = ["seconds"]


def assert_same(one, other):
    """Check that two result tables are equal, except for the times."""
    assert (one["state"] == "done").all()
    pd.testing.assert_frame_equal(one.drop(columns=TIMES), other.drop(columns=TIMES))


@pytest.mark.parametrize("name", ["distributed", "submitit"])
def test_packages_that_are_missing_are_named(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask" if name == "distributed" else name, None)
    executor = {"distributed": "dask", "submitit": "slurm"}[name]
    with pytest.raises(MissingPackageError, match=rf"{name} is not installed: pip install 'topolearn\[cluster\]'"):
        run_study(small_study(), tmp_path, executor=executor, quiet=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, r"submitit cannot use executor 'slurm' with .*: Could not detect \"srun\""),
        ({"cluster": "lsf"}, r"cluster='lsf' must be 'slurm' or 'local'"),
        ({"cluster": "local", "partitoin": "gpu"}, r"submitit cannot use executor 'slurm' with .*partitoin"),
    ],
)
def test_what_submitit_rejects(options, said, tmp_path):
    pytest.importorskip("submitit")
    with pytest.raises(InvalidValueError, match=said):
        run_study(small_study(), tmp_path, executor="slurm", options=options, quiet=True)


# --- CUDA devices ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visible", "n_devices", "named"),
    [("", 0, []), ("", 2, ["0", "1"]), ("3,5", 2, ["3", "5"]), ("GPU-a,GPU-b", 2, ["GPU-a", "GPU-b"]), ("7", 0, [])],
)
def test_devices_are_those_that_are_visible(visible, n_devices, named, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(processes.torch.cuda, "device_count", lambda: n_devices)
    assert processes.devices() == named


def test_each_worker_takes_the_next_device(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    waiting, taken = queue.SimpleQueue(), []
    for device in processes.dealt(["3", "5"], 3):
        waiting.put(device)
    for _ in range(4):
        processes.take_device(waiting)
        taken.append(os.environ["CUDA_VISIBLE_DEVICES"])
    assert taken == ["3", "5", "3", "3"]  # the last one stands for a worker that was started anew


def what_a_worker_has(mark):
    mark.touch()
    while len(list(mark.parent.iterdir())) < 2:  # until another worker has the other task
        time.sleep(0.01)
    return Outcome(os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"])


@SLOW
def test_workers_have_devices_and_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "devices", lambda: ["3", "5"])
    marks = [tmp_path / "begun" / name for name in ("one", "other")]
    marks[0].parent.mkdir()
    found = [outcome for _, outcome in processes.in_processes(what_a_worker_has, marks, Plan(2, 3, tmp_path))]
    assert {(outcome.state, outcome.error) for outcome in found} == {("3", "3"), ("5", "3")}


# --- the same everywhere ---------------------------------------------------------------------------------------------

EXECUTORS = [
    ("processes", {}, None),
    ("dask", {}, "distributed"),
    ("slurm", {"cluster": "local"}, "submitit"),
]


@SLOW
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("executor", "options", "package"), EXECUTORS, ids=[name for name, *_ in EXECUTORS])
def test_all_executors_give_the_same_results(executor, options, package, tmp_path):
    if package is not None:
        pytest.importorskip(package)
    study = small_study(seeds=[0, 1, 2])
    here = run_study(study, tmp_path / "here", quiet=True)
    there = run_study(study, tmp_path / "there", executor=executor, jobs=2, options=options, quiet=True)
    assert len(there) == 6
    assert_same(there, here)
    for run in study.runs():
        one, other = (Run(tmp_path / place / run.id).metrics.drop(columns="seconds") for place in ("here", "there"))
        pd.testing.assert_frame_equal(one, other)


@SLOW
@pytest.mark.timeout(600)
def test_an_existing_dask_cluster(tmp_path):
    distributed = pytest.importorskip("distributed")
    study = small_study()
    here = run_study(study, tmp_path / "here", quiet=True)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        options = {"address": cluster.scheduler_address}
        assert_same(run_study(study, tmp_path / "there", executor="dask", options=options, quiet=True), here)
        assert len(cluster.workers) == 2  # it is not ours to end
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster,
        pytest.raises(InvalidValueError, match=r"has 2 threads, .*: start workers with --nthreads 1"),
    ):
        options = {"address": cluster.scheduler_address}
        run_study(study, tmp_path / "other", executor="dask", options=options, quiet=True)


@SLOW
def test_a_missing_dask_cluster(tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(InvalidValueError, match=r"no Dask scheduler answers at address='tcp://127\.0\.0\.1:1'"):
        options = {"address": "tcp://127.0.0.1:1"}
        run_study(small_study(), tmp_path, executor="dask", options=options, quiet=True)


# --- killed ----------------------------------------------------------------------------------------------------------

LONG = {"base": {"epochs": 60, "batch_size": 16}, "seeds": [0, 1]}
START = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.studies.small import small_study
from topolearn.studies import run_study, work

if __name__ == "__main__":
    train = work.train
    def noted(config, **words):
        with open(sys.argv[3], "a") as file:
            print(config.run_dir, file=file)
        return train(config, **words)
    work.train = noted
    table = run_study(small_study(**eval(sys.argv[4])), sys.argv[2], jobs=int(sys.argv[5]))
    sys.exit(int((table["state"] != "done").any()))
"""


def start(path, parts, jobs, notes):
    script = path.parent / "start.py"
    script.write_text(START)
    words = [sys.executable, script, ROOT, path, notes, repr(parts), str(jobs)]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


def wait_until_in_the_middle(path):
    def is_in_the_middle(file):
        return 5 < len(file.read_text().splitlines()) < 50

    while not any(is_in_the_middle(file) for file in path.glob("*/metrics.csv")):
        time.sleep(0.01)


@SLOW
@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", ["worker", "engine"])
def test_nothing_is_lost_when_any_process_is_killed(victim, tmp_path):
    psutil = pytest.importorskip("psutil")
    study = small_study(**LONG)
    whole = run_study(study, tmp_path / "whole", quiet=True)
    path = tmp_path / "killed"
    engine = start(path, LONG, 2, tmp_path / "notes")
    wait_until_in_the_middle(path)
    workers = [
        child for child in psutil.Process(engine.pid).children() if "popen_loky_posix" in " ".join(child.cmdline())
    ]
    assert len(workers) == 2
    os.kill(workers[0].pid if victim == "worker" else engine.pid, signal.SIGKILL)
    if victim == "worker":
        _, said = engine.communicate()
        assert engine.returncode == 0, said
        assert "or their worker died: trying again" in said
    else:
        assert engine.wait() == -signal.SIGKILL
        engine.stderr.close()
        assert "unfinished" in results(study, path)["state"].tolist()
    table = run_study(study, path, quiet=True)  # waits for what orphaned workers have
    assert_same(table, whole)
    assert psutil.wait_procs(workers, timeout=120)[1] == []
    for run in study.runs():
        one, other = (Run(tmp_path / place / run.id).metrics.drop(columns="seconds") for place in ("whole", "killed"))
        pd.testing.assert_frame_equal(one, other)


@SLOW
@pytest.mark.timeout(600)
def test_two_processes_that_start_the_same_study_share_it(tmp_path):
    parts = {"base": {"epochs": 20}, "seeds": [0, 1, 2]}
    path, notes = tmp_path / "out", tmp_path / "notes"
    engines = [start(path, parts, 1, notes) for _ in range(2)]
    for engine in engines:
        _, said = engine.communicate()
        assert engine.returncode == 0, said
    begun = notes.read_text().splitlines()
    assert len(begun) == len(set(begun)) == len(METHODS) * 3
    study = small_study(**parts)
    assert_same(results(study, path), run_study(study, tmp_path / "whole", quiet=True))
