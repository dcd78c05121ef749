"""The work on one run: take its lock, train or resume it, and return the outcome."""

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
    """One run, as it is sent to a worker.

    Attributes
    ----------
    run : PlannedRun
    directory : StudyDirectory
    threads : int or None
        Number of threads, for a run that does not set it; None leaves torch's default.
    retry, accept_changes : bool
        Whether to retry a failed run, and whether to continue a run that has changed since it began.
    wait : bool
        Whether to wait while another process is training the run.
    registered : tuple of RegisteredEntry
        The user's registered entries, unless the worker has them already.
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
    """The outcome of the work on a run.

    Attributes
    ----------
    state : {"done", "failed", "busy", "disk full", "lost"}
        "busy" means that another process is training the run, and "lost" that its worker died.
    error : str
        The first line of the error.
    """

    state: str
    error: str = ""


def carry_out(item: WorkItem) -> Outcome:
    """Train a run to its end, unless it is done already or another process is training it.

    Errors of the run itself are written to its error file. If the disk is full, the run does not count as failed, and
    can be resumed from its last checkpoint.
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
    """Return the type and message of an error in one line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def is_full(error: Exception) -> bool:
    """Return whether an error means that the disk is full."""
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
            asked = item.run.config.device  # may be "auto", which is decided on this machine
            place: dict[str, Any] = {} if is_here(begun.config.device) else {"device": asked}
            resume(path, quiet=True, accept_changes=item.accept_changes, **place)


def _remove_stump(path: Path) -> None:
    """Remove the directory of a run that was killed before its configuration was written: temporary files at most."""
    if not path.is_dir() or any(not each.name.startswith(".") for each in path.iterdir()):
        raise InvalidValueError(f"{path} blocks the directory of a run, but is not a run: move it elsewhere")
    shutil.rmtree(path)


def _write_error(note: Path, error: Exception) -> None:
    note.write_text(f"{first_line(error)}\n\n{''.join(traceback.format_exception(error))}", encoding="utf-8")
