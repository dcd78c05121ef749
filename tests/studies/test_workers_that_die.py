"""Runs of a study in several processes: some hold a run, and some die."""

import subprocess
import sys

from tests.studies.small import small_study
from topolearn.studies import EXECUTORS, run_study
from topolearn.studies.directory import StudyDirectory
from topolearn.studies.executors.plan import lost

HOLD = """
import sys, time, filelock
lock = filelock.FileLock(sys.argv[1])
lock.acquire()
print(1, flush=True)
time.sleep(60)
"""


def test_a_run_in_use_by_another_process_is_left_to_it(tmp_path, n_trained, capsys):
    """Other runs come first; then the study waits for it, and takes it over when that process is killed."""
    small = small_study()
    place = StudyDirectory(tmp_path, small)
    place.prepare()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, place.lock_file(small.runs()[0])], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "1\n"
        EXECUTORS.register("while_held", _while_held(holder))
        table = run_study(small, tmp_path, executor="while_held")
    finally:
        EXECUTORS.unregister("while_held")
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert [method for method, _ in n_trained] == ["chts", "chts", "set", "set"]
    assert (table["state"] == "done").all()
    assert "1 runs were in use by another process" in capsys.readouterr().err


def _while_held(holder):
    """Return an executor that kills the other process before waiting for it."""

    def execute(work, tasks, plan):
        if tasks[0].wait:
            holder.kill()
        yield from ((task, work(task)) for task in tasks)

    return execute


def test_runs_whose_worker_died_are_tried_again(tmp_path, capsys):
    turns = []

    def shaky(work, tasks, plan):
        turns.append([task.run.label for task in tasks])
        for task in tasks:
            dies = task.run.label == "SET" or len(turns) == 1
            yield task, lost(MemoryError("none left")) if dies else work(task)

    EXECUTORS.register("shaky", shaky)
    try:
        table = run_study(small_study(), tmp_path, executor="shaky")
    finally:
        EXECUTORS.unregister("shaky")
    assert turns == [["SET", "CHTs"], ["SET", "CHTs"], ["SET"]]
    assert table["state"].tolist() == ["missing", "done"]
    assert table["error"].tolist() == ["its worker died (MemoryError: none left)", ""]
    assert "its worker died (MemoryError: none left)" in capsys.readouterr().err


def test_started_runs_come_last_when_workers_die(tmp_path):
    """One of these runs may be the one that kills workers."""
    turns = []

    def shaky(work, tasks, plan):
        turns.append([task.run.label for task in tasks])
        if len(turns) == 1:
            work(tasks[0])
            summary = plan.folder / tasks[0].run.id / "summary.json"
            summary.write_text(summary.read_text().replace('"complete": true', '"complete": false'))
            yield from ((task, lost(MemoryError())) for task in tasks)
        else:
            yield from ((task, work(task)) for task in tasks)

    EXECUTORS.register("shaky", shaky)
    try:
        run_study(small_study(), tmp_path, executor="shaky", quiet=True)
    finally:
        EXECUTORS.unregister("shaky")
    assert turns == [["SET", "CHTs"], ["CHTs", "SET"]]
