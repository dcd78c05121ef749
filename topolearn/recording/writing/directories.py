"""Where a new run goes: into the next free directory, or in place of an existing run that is removed."""

import shutil
from itertools import count
from pathlib import Path

from topolearn.errors import ExistingFileError, TopolearnError
from topolearn.recording.integrity.listed import MANIFEST
from topolearn.recording.plan import ENVIRONMENT, RECORDING, is_run, is_stump, others_in
from topolearn.recording.run import Run
from topolearn.recording.tables.growing import METRICS
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
    if path.is_symlink() and not path.exists():
        raise ExistingFileError(f"{path} is a symbolic link to {path.readlink()}, which is missing: remove the link")
    if not path.exists() or is_stump(path):
        return
    if not _is_ours(path):
        raise ExistingFileError(f"{path} exists and is not a run: choose another run_dir")
    if not overwrite:
        raise ExistingFileError(
            f"the run directory {path} already exists: continue it with topolearn.resume({str(path)!r}), replace it "
            "with overwrite=True, or choose another run_dir"
        )
    _check_removable(path)


def _check_removable(path: Path) -> None:
    """Raise if removing a run would remove more than the files of a run."""
    reason = None
    if path.is_symlink():
        reason = f"is a symbolic link: name {path.resolve()} itself"
    elif Path.cwd().is_relative_to(path.resolve()):
        reason = "is or contains the current directory: go to another one"
    elif names := others_in(path):
        some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        reason = f"also holds {some}, which no run writes: move them elsewhere"
    if reason is not None:
        raise ExistingFileError(f"overwrite=True does not remove {path}, which {reason}, or choose another run_dir")


def _is_ours(path: Path) -> bool:
    """Whether a run wrote a directory: other programs have a file ``config.toml``, too."""
    if not is_run(path):
        return False
    if any((path / name).is_file() for name in (RECORDING, ENVIRONMENT, MANIFEST, METRICS)):
        return True
    try:
        return Run(path).config is not None
    except TopolearnError:
        return False


def remove_former(path: Path) -> None:
    """Remove a run that is to be overwritten. Call this only after everything about the new run has been checked.

    Raises
    ------
    ExistingFileError
        When it holds more than a run.
    InvalidValueError
        When another process is writing to it.
    """
    if path.exists() and _is_ours(path):
        _check_removable(path)
        with Hold(path):
            shutil.rmtree(path)
