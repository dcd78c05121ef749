"""Trainings and studies killed at any moment: only the work since the last checkpoint is lost."""

import multiprocessing
import os
import signal
import time

import pytest

import topolearn as tl
from tests.faults.seeds import drawing
from tests.processes import IMPORTED
from tests.training.test_kill_and_resume import assert_same_run
from topolearn.recording.plan import is_run
from topolearn.studies import Study, run_study
from topolearn.verification import verify

CASES = [
    *((method, "masked") for method in ("chts", "chtss", "set", "rigl", "gmp", "granet", "deepr", "mest")),
    *((method, "csr") for method in ("chts", "chtss", "set", "rigl", "deepr", "mest")),
]
QUICK = {"epochs": 8, "hidden": (32, 32), "density": 0.1, "update_interval": 15, "measures": ("closure",), "threads": 1}
KILLS = 7  # of each of the 14 trainings, most of which they find at work


def config(path, method, backend):
    own = {"overrides": {"interval": 15}} if tl.method(method).interval else {}
    return tl.TrainConfig(run_dir=str(path), method=method, backend=backend, **QUICK, **own)


def started(function, *args):
    """Start a process that calls a function, forked from one that has already imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED, "tests.faults.test_kills"])
    process = context.Process(target=function, args=args)
    process.start()
    return process


def train(path, method, backend):
    """Start or resume a training, like a user who does not know whether it had been started."""
    os.setsid()
    if is_run(path):
        tl.resume(path, quiet=True)
    else:
        tl.train(config(path, method, backend), quiet=True)


def kill_some(path, draw, n_kills, longest, function, *args):
    """Start and kill a training several times at random moments; return how often it was killed before its end."""
    killed = 0
    for _ in range(n_kills):
        process = started(function, path, *args)
        process.join(draw.uniform(0, longest))
        if process.exitcode is None:
            os.killpg(process.pid, signal.SIGKILL) if os.getpgid(process.pid) == process.pid else process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        if process.exitcode == 0:
            break
        killed += 1
        check(path)
    return killed


def check(path):
    """Check that nothing in a killed run counts as changed, cut or missing, and that it can be read."""
    for run in [path] if is_run(path) else [each for each in path.glob("*") if is_run(each)]:
        table = verify(run)
        assert set(table["state"]) <= {"whole", "unchecked"}, table[table["state"] != "whole"].to_string()


def leftovers(path):
    return [each.name for each in path.rglob(".*") if each.name != ".lock"]


def killed_and_resumed(folder, method, backend, draw, n_kills):
    """Compare a training that is killed repeatedly with an uninterrupted one."""
    started(str).join()  # which waits for the imports
    began = time.monotonic()
    process = started(train, folder / "whole", method, backend)
    process.join()
    longest = time.monotonic() - began
    killed = kill_some(folder / "killed", draw, n_kills, longest / 2, train, method, backend)
    if not is_run(folder / "killed") or not tl.Run(folder / "killed").is_complete:
        process = started(train, folder / "killed", method, backend)
        process.join()
        assert process.exitcode == 0
    one, other = tl.Run(folder / "killed"), tl.Run(folder / "whole")
    assert_same_run(one, other)
    assert leftovers(one.path) == []
    assert set(verify(one.path)["state"]) == {"whole"}
    return killed


def test_a_training_that_is_killed_twice(tmp_path):
    killed_and_resumed(tmp_path, "chts", "csr", drawing("two kills"), 2)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("method", "backend"), CASES)
def test_trainings_that_are_killed_at_any_moment(method, backend, tmp_path):
    killed = killed_and_resumed(tmp_path, method, backend, drawing(f"kills {method} {backend}"), KILLS)
    print(f"killed {killed} times")


def sweep(path, jobs):
    os.setsid()
    run_study(study(), path, jobs=jobs, quiet=True)


def study():
    base = {name: list(value) if isinstance(value, tuple) else value for name, value in QUICK.items()}
    return Study(
        name="killed",
        base=base,
        settings=({"label": "CHTs", "method": "chts"}, {"label": "SET", "method": "set"}),
        seeds=(0, 1),
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("jobs", [1, 2])
def test_studies_that_are_killed_at_any_moment(jobs, tmp_path):
    draw = drawing(f"study, {jobs} jobs")
    expected = run_study(study(), tmp_path / "whole", quiet=True)
    started(str).join()
    began = time.monotonic()
    process = started(sweep, tmp_path / "timed", jobs)
    process.join()
    kill_some(tmp_path / "killed", draw, 6, time.monotonic() - began, sweep, jobs)
    table = run_study(study(), tmp_path / "killed", quiet=True)
    timed = ["seconds", "threads"]
    assert table.drop(columns=timed).equals(expected.drop(columns=timed))
    assert leftovers(tmp_path / "killed") == []
    check(tmp_path / "killed")
