"""What all tasks ask of the directory of a run, as it begins and as it goes on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from topolearn.distributed import agreement
from topolearn.errors import MissingFileError
from topolearn.recording import Logger, Run, TensorBoardLogger
from topolearn.recording.directories import check_free
from topolearn.recording.holding import Hold
from topolearn.recording.loggers import check_loggers
from topolearn.recording.plan import ENVIRONMENT, SUMMARY
from topolearn.recording.resuming import set_aside
from topolearn.recording.tables import METRICS, read_table
from topolearn.recording.unchanged import take_up
from topolearn.terminal import warn_user
from topolearn.training.ranks import Ranks


def new_directory(config: Any, *, overwrite: bool = False) -> Path:
    """Return the directory that a settled configuration names.

    Raises
    ------
    ExistingFileError
        When it is there, and neither what is left of a run that was killed before its configuration was written, nor a
        run that may be removed.
    """
    path = Path(str(config.run_dir))
    check_free(path, overwrite=overwrite)
    return path


@contextmanager
def taken_up(
    path: Path,
    checkpoint: Callable[[], Path | None],
    *,
    data: str = "",
    known: Sequence[str] = (),
    accept_changes: bool = False,
) -> Iterator[Hold | None]:
    """Hold a run that goes on, which is known to be as it was left; None on other processes than the first.

    Parameters
    ----------
    path : Path
        Of the run.
    checkpoint : callable
        Returns the checkpoint from which it goes on; None if it has none.
    data : str
        Checksum of what it is trained on.
    known : sequence of str
        What is known to have changed, in words.
    accept_changes : bool
        Go on with what has changed.

    Raises
    ------
    InvalidValueError, ChangedRunError, MissingFileError
        When somebody else writes the run, something has changed, or its checkpoints are lost.
    """
    ranks, hold = Ranks(), None
    with agreement(ranks.group, dict):
        if ranks.is_first:
            hold = take_up(path, data=data, known=known, accept_changes=accept_changes)
    try:
        if hold is not None and checkpoint() is None:
            _begin_again(path, accept_changes=accept_changes)
        yield hold
    finally:
        if hold is not None:
            hold.release()


def _begin_again(path: Path, *, accept_changes: bool) -> None:
    """Refuse to begin a run again that had got somewhere, unless that is accepted: then what it holds is kept."""
    n_rows = len(read_table(path / METRICS))
    if n_rows == 0 or (n_rows == 1 and not (path / SUMMARY).is_file()):  # a row, checkpoint, summary: in this order
        return
    if not accept_changes:
        raise MissingFileError(
            f"the run in {path} has metrics up to row {n_rows}, and no checkpoint to go on from: put its checkpoints "
            "back, or let it begin again by accept_changes=True, which keeps its rows in a folder"
        )
    set_aside(path)


def loggers_of(config: Any, path: Path, loggers: Sequence[Logger]) -> list[Logger]:
    """Return the loggers given, and the one that the configuration asks for, which writes into the run's directory.

    That is where the run is now, whatever the configuration of one that was moved, or sent, calls it.

    Raises
    ------
    InvalidTypeError, MissingPackageError
        When one is not a logger, or TensorBoard is not installed.
    """
    given = check_loggers(loggers)
    return [*given, TensorBoardLogger(path / "tensorboard")] if config.tensorboard else given


def warn_of_other_ranks(run: Run, ranks: Ranks) -> None:
    """Warn when a run goes on with another number of processes than it began on."""
    is_known = (run.path / ENVIRONMENT).is_file()  # else it is written when the run goes on
    before = int(run.environment.get("processes", 1)) if is_known else ranks.size
    if ranks.is_first and before != ranks.size:
        processes = "1 process" if before == 1 else f"{before} processes"
        warn_user(
            f"the run in {run.path} began on {processes} and goes on with {ranks.size}: its links are chosen alike, "
            "but sums are rounded differently, so it is not bit for bit the run that was never stopped",
        )
