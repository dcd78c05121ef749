"""Where a new run goes: to the next free name, or to the place of a run that is removed for it."""

import shutil
from itertools import count
from pathlib import Path

from topolearn.errors import ExistingFileError, TopolearnError
from topolearn.recording.holding import Hold
from topolearn.recording.plan import is_run, is_stump
from topolearn.recording.run import Run
from topolearn.terminal import warn_user


def free_directory(name: str) -> str:
    """Return the first of ``name``, ``name-2``, ``name-3``, ... where no run is; warn of one that waits to go on.

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
            f"the run in {former} is not complete, and topolearn.resume({str(former)!r}) continues it: this is another "
            f"one, in {path}",
        )
    return str(path)


def _waits(path: Path) -> bool:
    """Return whether a directory has a run that can go on, as far as that can be read."""
    try:
        return is_run(path) and not Run(path).is_complete
    except TopolearnError:  # whoever opens that run is told what is wrong with it
        return False


def check_free(path: Path, *, overwrite: bool) -> None:
    """Refuse a directory that is there, unless the run in it may be removed; a start that was killed leaves it free.

    Raises
    ------
    ExistingFileError
        When it is there and is kept, or holds something else than a run.
    """
    if not path.exists() or is_stump(path):
        return
    if not overwrite:
        raise ExistingFileError(
            f"the run directory {path} exists: continue it by topolearn.resume({str(path)!r}), replace it by "
            "overwrite=True, or choose another run_dir"
        )
    if not is_run(path):
        raise ExistingFileError(f"{path} is not a run, so overwrite=True does not remove it: choose another run_dir")


def remove_former(path: Path) -> None:
    """Remove a run that is to be overwritten, once everything about the new one is known to be right.

    Raises
    ------
    InvalidValueError
        When another process is writing it.
    """
    if is_run(path) and not is_stump(path):
        with Hold(path):
            shutil.rmtree(path)
