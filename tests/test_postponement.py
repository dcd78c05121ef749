"""Signals that arrive during an import: no import is left half-done, and no signal is lost."""

import importlib
import os
import signal
import sys
import time

import pytest

from topolearn import ends, postponement
from topolearn.distributed import processes
from topolearn.studies.executors import worker

SWALLOWING = """
import signal

is_whole = False
try:
    signal.raise_signal(signal.{name})
except BaseException:  # as a package that can do without another one
    pass
is_whole = True
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that receives a signal while it is imported, and swallows exceptions; and its last state."""

    def imported(name="SIGTERM", source=SWALLOWING):
        (tmp_path / "interrupted_here.py").write_text(source.format(name=name))
        importlib.invalidate_caches()
        return importlib.import_module("interrupted_here")

    monkeypatch.syspath_prepend(tmp_path)
    yield imported
    sys.modules.pop("interrupted_here", None)


@pytest.fixture
def handlers():
    """Python's own handlers, as background processes of a shell ignore Ctrl-C; the former ones are put back."""
    default = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    former = {number: signal.signal(number, default[number]) for number in ends.SIGNALS}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)
    worker._worker.is_terminated = worker._worker.is_busy = False


def wait():
    """Run Python code until a signal arrives, or long enough to see that none does."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        time.sleep(0.001)


@pytest.mark.parametrize(("name", "expected"), [("SIGTERM", ends.Terminated), ("SIGINT", KeyboardInterrupt)])
def test_a_command_ends_once_the_import_is_done(module, handlers, name, expected):
    with pytest.raises(KeyboardInterrupt) as error, ends.stoppable():
        module(name)
        assert sys.modules["interrupted_here"].is_whole
        wait()
    assert type(error.value) is expected


def test_a_worker_drops_its_run_once_the_import_is_done(module, handlers):
    worker.serve(os.getppid())
    with pytest.raises(ends.Terminated), worker.working():
        assert module().is_whole
        wait()


def test_a_process_of_torchrun_stops_once_the_import_is_done(module, handlers):
    signal.signal(signal.SIGTERM, processes._stop)
    with pytest.raises(processes._Stopped):
        assert module().is_whole
        wait()


def test_a_signal_between_imports_is_not_postponed(handlers):
    with pytest.raises(ends.Terminated), ends.stoppable():
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("it went on")


def test_a_program_within_an_import_ends_after_the_limit(module, handlers, monkeypatch):
    monkeypatch.setattr(postponement, "LIMIT", 0.1)
    endless = "import signal, time\nsignal.raise_signal(signal.{name})\nwhile True:\n    time.sleep(0.001)\n"
    with pytest.raises(ends.Terminated), ends.stoppable():
        module(source=endless)


def test_signals_during_nested_imports_wait_for_the_outermost(tmp_path, module, handlers):
    (tmp_path / "nested_in_it.py").write_text(SWALLOWING.format(name="SIGTERM"))
    outer = "import time\nimport nested_in_it\ntime.sleep(0.1)\nis_whole = True\n"
    with pytest.raises(ends.Terminated), ends.stoppable():
        assert module(source=outer).is_whole
        wait()
    sys.modules.pop("nested_in_it")
