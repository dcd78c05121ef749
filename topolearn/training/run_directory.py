"""The run directory of a task: checks when a run starts and when it is continued."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from topolearn.distributed import agreement
from topolearn.errors import MissingFileError
from topolearn.recording import Logger, Run, TensorBoardLogger
from topolearn.recording.integrity.unchanged import take_up
from topolearn.recording.plan import ENVIRONMENT, SUMMARY, is_run
from topolearn.recording.tables.growing import METRICS, read_table
from topolearn.recording.writing.directories import check_free
from topolearn.recording.writing.holding import Hold
from topolearn.recording.writing.loggers import check_loggers
from topolearn.recording.writing.resuming import set_aside
from topolearn.terminal import warn_user
from topolearn.training.ranks import Ranks


def new_directory(config: Any, *, overwrite: bool = False) -> Path:
    """Return the run directory of a settled configuration, after checking that it is free.

    Raises
    ------
    ExistingFileError
        When the directory exists, unless it was left by a run that was killed before its configuration was written, or
        holds a run that may be overwritten.
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
    """Hold a run that is to be continued, after checking that it is unchanged; yields None on ranks other than 0.

    Parameters
    ----------
    path : Path
        The run directory.
    checkpoint : callable
        Returns the checkpoint from which to continue, or None if there is none.
    data : str
        Checksum of the training data.
    known : sequence of str
        Descriptions of changes that are already known.
    accept_changes : bool
        Continue in spite of changes.

    Raises
    ------
    InvalidValueError, ChangedRunError, MissingFileError
        When another process is writing to the run, something has changed, or its checkpoints are missing.
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
    """Raise if a run without a checkpoint has made progress, unless it may start again; then keep its earlier files."""
    n_rows = len(read_table(path / METRICS))
    if n_rows == 0 or (n_rows == 1 and not (path / SUMMARY).is_file()):  # a row, checkpoint, summary: in this order
        return
    if not accept_changes:
        raise MissingFileError(
            f"the run in {path} has {n_rows} rows of metrics, but no checkpoint to continue from: restore its "
            "checkpoints, or start it again with accept_changes=True, which keeps its earlier rows in a subfolder"
        )
    set_aside(path)


def continuing(path: Path) -> str:
    """Return how to continue the run in a directory, in words that the command line translates into its own."""
    return f"continue the run with topolearn.resume({str(path)!r})"


@contextmanager
def continuable(path: Path) -> Iterator[None]:
    """Note in an interrupt how to continue the run that it leaves in a directory, if it has begun."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if is_run(path):
            interrupt.add_note(continuing(path))
        raise


def loggers_of(config: Any, path: Path, loggers: Sequence[Logger]) -> list[Logger]:
    """Return the given loggers, and the TensorBoard logger if the configuration requests it.

    That one writes into the run's current directory, which may differ from the configured one if the run was moved.

    Raises
    ------
    InvalidTypeError, MissingPackageError
        When an object is not a logger, or TensorBoard is not installed.
    """
    given = check_loggers(loggers)
    return [*given, TensorBoardLogger(path / "tensorboard")] if config.tensorboard else given


def warn_of_other_ranks(run: Run, ranks: Ranks) -> None:
    """Warn if a run is continued with another number of processes than it was started with."""
    is_known = (run.path / ENVIRONMENT).is_file()  # otherwise it is written when the run continues
    before = int(run.environment.get("processes", 1)) if is_known else ranks.size
    if ranks.is_first and before != ranks.size:
        processes = "1 process" if before == 1 else f"{before} processes"
        warn_user(
            f"the run in {run.path} was started with {processes} and continues with {ranks.size}: links are chosen in "
            "the same way, but sums are rounded differently, so the result is not bit for bit that of an uninterrupted "
            "run",
        )
