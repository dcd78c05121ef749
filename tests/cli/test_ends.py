"""How commands end (by a signal, out of memory, on a closed output): one line each, and nothing is lost."""

import io
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import topolearn as tl
from tests.training.test_kill_and_resume import assert_same_run
from topolearn import cli, compiling, ends, files, training
from topolearn.cli import main
from topolearn.files import append_bytes
from topolearn.recording import Recorder
from topolearn.recording.tables.growing import Table
from topolearn.recording.writing.topology_log import TopologyLog
from topolearn.studies.executors import worker
from topolearn.terminal import shows_bars
from topolearn.training import resume, trainer

BOTH = pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
SMALL = ["--epochs", "3", "--hidden", "32", "32", "--batch-size", "32", "--update-interval", "10", "--threads", "1"]
SMALL += ["--measure-every", "1", "--density", "0.08", "--backend", "csr", "--quiet"]
ONE_LINE = "topolearn: {}; continue the run with topolearn train --resume {}\n"


@pytest.fixture(autouse=True)
def handlers(monkeypatch):
    """Let Ctrl-C raise, wherever the tests were started, and check that handlers are restored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = [signal.getsignal(number) for number in ends.SIGNALS]
    yield
    assert [signal.getsignal(number) for number in ends.SIGNALS] == before
    signal.signal(signal.SIGINT, former)


def signalled(monkeypatch, owner, name, call, number, *, times=1):
    """Send a signal, once or several times, at the n-th call of a function."""
    function, calls = getattr(owner, name), [0]

    def wrapped(*args, **words):
        calls[0] += 1
        for _ in range(times if calls[0] == call else 0):
            try:
                signal.raise_signal(number)
            except KeyboardInterrupt as error:
                first = error
        if calls[0] == call:
            raise first
        return function(*args, **words)

    monkeypatch.setattr(owner, name, wrapped)


POINTS = {
    "at an update": (TopologyLog, "record", 7, signal.SIGTERM),
    "between the rows of an update": (Table, "append", 9, signal.SIGINT),
    "as an epoch is logged": (Recorder, "log", 2, signal.SIGTERM),
    "as a checkpoint is written": (trainer, "save_checkpoint", 3, signal.SIGINT),
    "as a file is moved": (files.Path, "replace", 12, signal.SIGTERM),
}
OFTEN = ("between the rows of an update", "as a file is moved")  # the others are run by hand


@pytest.mark.parametrize("point", [pytest.param(p, marks=() if p in OFTEN else pytest.mark.slow) for p in POINTS])
def test_a_command_that_is_ended_leaves_a_run_that_can_be_resumed(point, chts, tmp_path, monkeypatch, capsys):
    number = POINTS[point][-1]
    status = 128 + number
    with monkeypatch.context() as patch:
        signalled(patch, *POINTS[point], times=2)
        assert main(["train", *SMALL, "--run-dir", str(tmp_path / "run")]) == status
    assert capsys.readouterr() == ("", ONE_LINE.format(ends.SIGNALS[number], tmp_path / "run"))
    assert not [path for path in (tmp_path / "run").rglob(".*") if path.name != ".lock"]
    assert_same_run(resume(tmp_path / "run", quiet=True), chts)


@BOTH
def test_further_signals_do_not_disturb_cleaning_up_for_a_while(number, status, monkeypatch):
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(os, "write", lambda *_: 0)
    with pytest.raises(KeyboardInterrupt) as told, ends.stoppable():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            assert ended == []
            monkeypatch.setattr(ends, "PATIENCE", -1.0)
            signal.raise_signal(number)
    assert ended == [status]
    assert ends.status_of(told.value) == status


def test_a_signal_whose_exception_is_lost_is_sent_again(capsys):
    class Closing:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(ends.Terminated), ends.stoppable():
        closing = Closing()
        del closing
        time.sleep(10)
    assert capsys.readouterr().err == ""


class Interrupted:
    """Loses a signal's exception, as a compiler does whose callback is interrupted and that then fails otherwise."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        signal.raise_signal(self.number)


@BOTH
def test_an_error_caused_by_a_lost_signal_is_reported_as_the_signal(number, status, capsys):
    with pytest.raises(KeyboardInterrupt) as told, ends.stoppable():
        compiler = Interrupted(number)
        del compiler
        raise RuntimeError("no compiled object yet")
    assert ends.status_of(told.value) == status
    time.sleep(0.1)  # the signal would be sent again in this time
    assert capsys.readouterr().err == ""


def test_an_error_without_a_signal_stays_what_it_is():
    with pytest.raises(RuntimeError, match="no compiled object yet"), ends.stoppable():
        raise RuntimeError("no compiled object yet")


def test_a_signal_that_is_ignored_stays_so():
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ends.stoppable():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, former)


@pytest.mark.parametrize("is_command", [True, False])
def test_a_finished_command_ignores_signals_and_other_programs_do_not(is_command, monkeypatch, capsys):
    former = {number: signal.getsignal(number) for number in ends.SIGNALS}
    monkeypatch.setattr(ends, "_IS_COMMAND", is_command)
    try:
        assert main(["methods"]) == 0
        now = {number: signal.getsignal(number) for number in ends.SIGNALS}
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    assert now == (dict.fromkeys(former, signal.SIG_IGN) if is_command else former)


def test_the_library_leaves_signals_alone(tmp_path, monkeypatch, chts, small):
    seen = []
    record = TopologyLog.record

    def noted(self, update):
        seen.append(signal.getsignal(signal.SIGTERM))
        if len(seen) == 7:
            raise KeyboardInterrupt
        record(self, update)

    monkeypatch.setattr(TopologyLog, "record", noted)
    with pytest.raises(KeyboardInterrupt):
        tl.train(small(tmp_path / "run"), quiet=True)
    monkeypatch.undo()
    assert set(seen) == {signal.getsignal(signal.SIGTERM)}
    assert_same_run(resume(tmp_path / "run", quiet=True), chts)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, MemoryError])
def test_appending_is_all_or_nothing(error, tmp_path, monkeypatch):
    path, write = tmp_path / "rows.csv", os.write
    append_bytes(path, b"whole\n")

    def half(file, data):
        write(file, bytes(data)[:2])
        raise error

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(error):
        append_bytes(path, b"half\n")
    assert path.read_bytes() == b"whole\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "out of memory: make the model"),
        (np.zeros, "out of memory (Unable to allocate"),
        (torch.zeros, "out of memory ("),
        (RuntimeError("can't start new thread"), "the system cannot start another thread (can't start new thread): "),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nof 1 GiB"), "out of memory (CUDA out"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
    ],
)
def test_missing_resources_are_reported_in_one_line(error, said, monkeypatch, capsys):
    def lacking(*_, **__):
        if isinstance(error, Exception):
            raise error
        error((10**15,))

    monkeypatch.setattr(training, "train", lacking)
    assert main(["train", *SMALL]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"topolearn: error: {said}")
    assert told.count("\n") == 1


class Unread(io.StringIO):
    """A standard output whose reader has gone."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def test_a_closed_output_ends_a_command_silently(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Unread())
    assert main(["methods"]) == cli.UNREAD == 141
    assert capsys.readouterr().err == ""


def test_letters_that_the_output_cannot_encode_are_escaped(monkeypatch, tmp_path):
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", ascii_only)
    path = tmp_path / "Größe '\"\n 図.npz"
    assert main(["generate", "er", "--n-in", "4", "--n-out", "4", "--density", "0.5", "-o", str(path)]) == 0
    assert path.is_file()
    assert "Gr\\xf6\\xdfe" in ascii_only.buffer.getvalue().decode()
    assert ascii_only.errors == "strict"


def test_compiled_code_works_without_a_cache(monkeypatch):
    def refusing(function):
        raise RuntimeError("cannot cache function 'twice': no locator available for file 'x.py'")

    monkeypatch.setattr(compiling, "KernelCache", refusing)
    assert compiling.njit(nogil=True)(lambda x: 2 * x)(21) == 42
    assert compiling.cfunc("int64(int64)")(lambda x: 2 * x).ctypes(21) == 42


def test_a_clock_that_goes_backwards_changes_nothing(tmp_path, monkeypatch, chts):
    now = iter(range(10**9, 0, -100))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    words = [word for word in SMALL if word != "--quiet"]
    assert main(["train", *words, "--run-dir", str(tmp_path / "run")]) == 0
    monkeypatch.undo()
    run = tl.Run(tmp_path / "run")
    assert_same_run(run, chts)
    assert (run.metrics["seconds"] >= 0).all()
    assert run.summary["seconds"] >= 0


def test_a_worker_that_is_ended_drops_its_run_and_starts_no_other(monkeypatch):
    former = signal.getsignal(signal.SIGTERM)
    try:
        worker.serve(os.getppid())
        with pytest.raises(ends.Terminated, match="it was terminated"), worker.working():
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # between two runs it only remembers
        with pytest.raises(ends.Terminated), worker.working():
            raise AssertionError("a run was begun")
    finally:
        signal.signal(signal.SIGTERM, former)
        worker._worker.is_terminated = False


@pytest.mark.parametrize("seconds", [0.5])
def test_a_signal_during_import_ends_in_one_line(seconds, tmp_path):
    words = [sys.executable, "-m", "topolearn", "train", "--run-dir", str(tmp_path / "run")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    shown, said = process.communicate(timeout=60)
    assert shown == ""
    assert re.fullmatch(r"topolearn: terminated(; .*)?\n", said)
    assert process.returncode == 143


class OnlyWritten:
    """A minimal replacement for standard error."""

    def write(self, text):
        return len(text)


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    "stream", [None, OnlyWritten(), closed(), io.StringIO()], ids=["none", "object", "closed", "text"]
)
def test_an_update_shows_no_bar_if_standard_error_cannot_show_one(stream, monkeypatch):
    rule = tl.method("chts", density=0.2)
    model = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(20, 20), torch.nn.Linear(20, 3)), rule, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=4, interval=1)
    model(torch.ones(2, 20)).sum().backward()
    optimizer.step()
    monkeypatch.setattr(sys, "stderr", stream)
    assert not shows_bars(stream)
    assert topology.step() is not None
