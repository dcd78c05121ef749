"""torchrun: a killed process ends the others with one message, and the run is resumed bit for bit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch.distributed as dist

import topolearn as tl
from tests.processes import NEED_GLOO
from tests.training.test_kill_and_resume import assert_same_run
from topolearn.distributed import joined
from topolearn.distributed.processes import LOSS, _leave_to_first

ROOT = Path(__file__).parents[2]
SCRIPT = str(ROOT / "tests" / "training" / "killed_rank.py")
WORDS = (
    "train", "--hidden", "32", "32", "--epochs", "3", "--batch-size", "33", "--update-interval", "10", "--threads", "1",
    "--density", "0.1", "--measures", "closure", "--backend", "csr", "--quiet",
)  # fmt: skip
ENOUGH = 200  # seconds for a machine that does other things, too
pytestmark = NEED_GLOO


def torchrun(*words, n=2):
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        str(n),
        "--standalone",
        SCRIPT,
        *words,
    ]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=ENOUGH, env=environment, stdin=subprocess.DEVNULL
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("torchrun") / "whole"
    done = torchrun("nowhere", "0", *WORDS, "--run-dir", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("best test accuracy") == 1
    return tl.Run(path)


def test_a_killed_process_ends_all_with_one_message_and_one_process_continues(tmp_path):
    killed = torchrun("training", "1", *WORDS, "--run-dir", str(tmp_path / "run"))
    assert killed.returncode != 0
    assert killed.stderr.count(f"topolearn: error: {LOSS}\n") == killed.stderr.count("topolearn: error:") == 1
    assert not tl.Run(tmp_path / "run").is_complete
    with pytest.warns(UserWarning, match="was started with 2 processes and continues with 1"):
        assert tl.resume(tmp_path / "run", quiet=True).is_complete


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "rank"),
    [
        ("update", 1),
        ("update", 0),
        ("training", 0),
        ("training", 1),
        ("saving", 0),
    ],
)
def test_a_killed_process_ends_all_with_one_message_and_the_run_is_resumed(point, rank, whole, tmp_path):
    path = tmp_path / "run"
    killed = torchrun(point, str(rank), *WORDS, "--run-dir", str(path))
    assert killed.returncode != 0
    assert killed.stderr.count("topolearn: error:") == 1
    assert f"topolearn: error: {LOSS}\n" in killed.stderr
    assert "Traceback" not in killed.stderr.partition("ChildFailedError")[0].partition("topolearn: error")[0]
    assert not tl.Run(path).is_complete
    resumed = torchrun("nowhere", "0", "train", "--resume", str(path), "--quiet")
    assert resumed.returncode == 0, resumed.stderr
    assert_same_run(tl.Run(path), whole)


@pytest.mark.slow
def test_three_processes_are_resumed_bit_for_bit_too(tmp_path):
    """The sum of three shares depends on their order, which a resume must keep."""
    runs = [tl.Run(tmp_path / name) for name in ("whole", "stopped") if torchrun_of_three(tmp_path / name, name)]
    assert_same_run(*runs)


def torchrun_of_three(path, name):
    point = "nowhere" if name == "whole" else "training"
    done = torchrun(point, "2", *WORDS, "--run-dir", str(path), n=3)
    if point == "training":
        assert done.stderr.count("topolearn: error:") == 1
        done = torchrun("nowhere", "0", "train", "--resume", str(path), "--quiet", n=3)
    return done.returncode == 0


@pytest.mark.slow
def test_an_error_on_all_processes_is_reported_once(whole):
    done = torchrun("nowhere", "0", *WORDS, "--run-dir", str(whole.path))
    assert done.returncode != 0
    assert done.stderr.count("topolearn: error: the run directory") == 1
    assert done.stderr.count("topolearn: error:") == 1


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_without_torchrun_the_others_end_by_themselves(rank, tmp_path):
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29571", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **place, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, SCRIPT, "update", str(rank), *WORDS, "--run-dir", str(tmp_path / "run")]
    processes = [
        subprocess.Popen(words, env={**environment, "RANK": str(i), "LOCAL_RANK": str(i)}, stderr=subprocess.PIPE)
        for i in range(2)
    ]
    told = [process.communicate(timeout=ENOUGH)[1].decode() for process in processes]
    assert processes[rank].returncode == -9
    assert processes[1 - rank].returncode == 2
    assert told[1 - rank].splitlines()[-1] == f"topolearn: error: {LOSS}"


@pytest.mark.parametrize("size", [None, "1"])
def test_one_process_joins_nothing(size, monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "0")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if size is not None:
        monkeypatch.setenv("WORLD_SIZE", size)
    with joined() as are_several:
        assert not are_several
        assert not dist.is_initialized()


def test_the_first_message_is_shown_and_a_reason_comes_before_a_lost_process():
    store = dist.HashStore()
    _leave_to_first(store, LOSS, 2, unless_failed=True)
    _leave_to_first(store, "the disk is full", 2)
    _leave_to_first(store, "another reason", 2)
    for message, unless_failed in (("the disk is full", False), (LOSS, True), ("lost otherwise", True)):
        with pytest.raises(SystemExit) as left:
            _leave_to_first(store, message, 2, unless_failed=unless_failed)
        assert left.value.code == 2
