"""Where a new run goes: into the next free directory, or in place of an existing run that is removed."""

import shutil
from itertools import count
from pathlib import Path

from topolearn.errors import ExistingFileError, TopolearnError
from topolearn.recording.plan import is_run, is_stump
from topolearn.recording.run import Run
from topolearn.recording.writing.holding import Hold
from topolearn.terminal import warn_user


def free_directory(name: str) -> str:
    """Return the first of ``name``, ``name-2``, ``name-3``, ... that is free; warn if the run before it is incomplete.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> Path(folder, "runs", "digits").mkdir(parents=True)
    >>> Path(folder, "runs", "digits", "notes.txt").touch()
    >>> free_directory(f"{folder}/runs/digits").removeprefix(folder)
    '/runs/digits-2'
    """
    former = None
    for number in count(1):
        path = Path(name if number == 1 else f"{name}-{number}")
        if not path.exists() or is_stump(path):
            break
        former = path
    if former is not None and _waits(former):
        warn_user(
            f"the run in {former} is not complete: starting a new one in {path}; to continue the earlier run instead, "
            f"use topolearn.resume({str(former)!r})",
        )
    return str(path)


def _waits(path: Path) -> bool:
    """Return whether a directory holds a readable run that can be continued."""
    try:
        return is_run(path) and not Run(path).is_complete
    except TopolearnError:  # opening that run reports what is wrong with it
        return False


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise if a directory exists, unless the run in it may be overwritten; one left by a killed start counts as free.

    Raises
    ------
    ExistingFileError
        When the directory exists and must be kept, or holds anything other than a run.
    """
    if not path.exists() or is_stump(path):
        return
    if not overwrite:
        raise ExistingFileError(
            f"the run directory {path} already exists: continue it with topolearn.resume({str(path)!r}), replace it "
            "with overwrite=True, or choose another run_dir"
        )
    if not is_run(path):
        raise ExistingFileError(f"{path} is not a run, so overwrite=True does not remove it: choose another run_dir")


def remove_former(path: Path) -> None:
    """Remove a run that is to be overwritten. Call this only after everything about the new run has been checked.

    Raises
    ------
    InvalidValueError
        When another process is writing to it.
    """
    if is_run(path) and not is_stump(path):
        with Hold(path):
            shutil.rmtree(path)
