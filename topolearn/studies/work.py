"""What a worker does with one run: take its lock, train or resume it, and say how that ended."""

import errno
import shutil
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from topolearn.devices import is_here
from topolearn.errors import InvalidValueError
from topolearn.recording import resume, train
from topolearn.studies.directory import DONE, FAILED, StudyDirectory
from topolearn.studies.registered import RegisteredEntry, unpack
from topolearn.studies.study import PlannedRun
from topolearn.threads import thread_count

BUSY, FULL, LOST = "busy", "disk full", "lost"
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class WorkItem:
    """One run, as it is handed to a worker.

    Attributes
    ----------
    run : PlannedRun
    directory : StudyDirectory
    threads : int or None
        For a run that leaves them open; None is torch's number.
    retry, accept_changes : bool
        Whether a run that failed is taken up again, and one that has changed since it began.
    wait : bool
        Whether to wait while another process has the run.
    registered : tuple of RegisteredEntry
        What the user registered, unless the worker has it.
    """

    run: PlannedRun
    directory: StudyDirectory
    threads: int | None = None
    retry: bool = False
    accept_changes: bool = False
    wait: bool = False
    registered: tuple[RegisteredEntry, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a worker left a run.

    Attributes
    ----------
    state : {"done", "failed", "busy", "disk full", "lost"}
        Busy is a run that another process has; lost is one whose worker died.
    error : str
        Its first line.
    """

    state: str
    error: str = ""


def carry_out(item: WorkItem) -> Outcome:
    """Train a run to its end, unless that is done, or another process is at it.

    Whatever goes wrong with the run itself is written to its error file. A full disk is not the run's fault, which
    stays as its last checkpoint has it.
    """
    try:
        with FileLock(item.directory.lock_file(item.run), timeout=-1 if item.wait else 0):
            return _with_lock(item)
    except Timeout:
        return Outcome(BUSY)
    except Exception as error:
        if is_full(error):
            return Outcome(FULL, first_line(error))
        raise


def first_line(error: BaseException) -> str:
    """Return kind and message of an error in one line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def is_full(error: Exception) -> bool:
    """Return whether an error says that the disk is full."""
    return isinstance(error, OSError) and error.errno in NO_SPACE


def _with_lock(item: WorkItem) -> Outcome:
    note = item.directory.error_file(item.run)
    if note.is_file() and not item.retry:
        return Outcome(FAILED, item.directory.error(item.run))
    try:
        _train_or_resume(item)
    except Exception as error:
        if is_full(error):
            raise
        _write_error(note, error)
        return Outcome(FAILED, first_line(error))
    note.unlink(missing_ok=True)
    return Outcome(DONE)


def _train_or_resume(item: WorkItem) -> None:
    unpack(item.registered)
    path = item.directory.run_dir(item.run)
    begun = item.directory.run(item.run)
    if begun is not None and begun.is_complete:
        return
    if begun is None and path.exists():
        _remove_stump(path)
    with thread_count(item.threads):
        if begun is None:
            train(replace(item.run.config, run_dir=str(path)), quiet=True)
        else:
            asked = item.run.config.device  # where it leaves the device open, this machine decides
            place: dict[str, Any] = {} if is_here(begun.config.device) else {"device": asked}
            resume(path, quiet=True, accept_changes=item.accept_changes, **place)


def _remove_stump(path: Path) -> None:
    """Remove what a run leaves that was killed before its configuration was written: files written aside, if any."""
    if not path.is_dir() or any(not each.name.startswith(".") for each in path.iterdir()):
        raise InvalidValueError(f"{path} is in the way of a run, and is none: move it elsewhere")
    shutil.rmtree(path)


def _write_error(note: Path, error: Exception) -> None:
    note.write_text(f"{first_line(error)}\n\n{''.join(traceback.format_exception(error))}", encoding="utf-8")
