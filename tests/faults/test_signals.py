"""Commands interrupted at any time: code 130 or 143, one line, no process left, and an exactly resumable run."""

import os
import signal
import time

import numpy as np
import pytest

import topolearn as tl
from tests.faults.commands import TRAIN, assert_one_line, command, run, start
from tests.training.test_kill_and_resume import assert_same_run
from topolearn.recording.plan import is_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SEED = int(os.environ.get("TOPOLEARN_FAULT_SEED", "0"))
N_TIMES = int(os.environ.get("TOPOLEARN_FAULT_SIGNALS", "12"))
LONG = [*TRAIN, "--epochs", "40"]
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
# Python ends by SIGINT itself, which a shell calls 130 too, where Ctrl-C came while it compiled a class from text.
ENDS = {signal.SIGINT: (130, -2), signal.SIGTERM: (143,)}
STUDY = 'name = "s"\nseeds = [0, 1, 2]\n[base]\nhidden = [32]\nepochs = 60\ndensity = 0.2\nthreads = 1\n'
STUDY += '[[setting]]\nlabel = "SET"\nmethod = "set"\n'


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return an uninterrupted run, and its duration in seconds."""
    path, begun = tmp_path_factory.mktemp("whole") / "run", time.monotonic()
    assert run(command(*LONG, "--run-dir", path)).returncode == 0
    return tl.Run(path), time.monotonic() - begun


def left_behind(path):
    """Return the files that exist only during a write."""
    return [each for each in path.rglob(".*") if each.name != ".lock"]


@pytest.mark.parametrize("number", STATUS)
def test_a_training_may_be_interrupted_at_any_time(number, whole, tmp_path):
    (reference, seconds), rng = whole, np.random.default_rng([SEED, number])
    print(f"TOPOLEARN_FAULT_SEED={SEED}")
    for i in range(N_TIMES):
        path = tmp_path / f"run{i}"
        process = start(command(*LONG, "--run-dir", path))
        time.sleep(rng.uniform(0.2, 1.1 * seconds))
        for _ in range(int(rng.integers(1, 3))):
            process.send_signal(number)
        _, said = process.communicate(timeout=300)
        assert process.returncode in (0, *ENDS[number]), said
        assert said.count("\n") <= 1, said
        assert "Traceback" not in said
        assert left_behind(path) == []
        if not is_run(path):
            assert not path.exists() or not any(path.iterdir())
        elif not tl.Run(path).is_complete:
            done = run(command("train", "--resume", path, "--quiet"))
            assert_one_line(done)
            assert done.returncode == 0, done.stderr
        if is_run(path):
            assert_same_run(tl.Run(path), reference)


def in_the_middle(path):
    return any(len(file.read_text().splitlines()) > 5 for file in path.glob("*/metrics.csv"))


@pytest.mark.parametrize("to_all", [False, True], ids=["engine", "group"])
@pytest.mark.parametrize("number", [*STATUS, signal.SIGKILL])
def test_a_study_leaves_no_process_and_can_be_continued(number, to_all, tmp_path):
    psutil = pytest.importorskip("psutil")
    (tmp_path / "study.toml").write_text(STUDY)
    words = ["sweep", tmp_path / "study.toml", "--jobs", "2", "--quiet", "--dir"]
    process = start(command(*words, tmp_path / "out"))
    while not in_the_middle(tmp_path / "out"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    (os.killpg if to_all else os.kill)(process.pid, number)
    _, said = process.communicate(timeout=100)
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == STATUS[number]
        assert said.endswith("; run the same command again to continue from the last checkpoints\n")
        assert said.count("\n") == 1
        assert left_behind(tmp_path / "out") == []
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert run(command(*words, tmp_path / "out")).returncode == 0
    assert run(command(*words, tmp_path / "whole")).returncode == 0
    for path in sorted((tmp_path / "whole").glob("*/metrics.csv")):
        assert_same_run(tl.Run(tmp_path / "out" / path.parent.name), tl.Run(path.parent))
