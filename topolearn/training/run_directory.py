"""What all tasks ask of the directory of a run, as it begins and as it goes on."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topolearn.errors import ExistingFileError
from topolearn.recording import Logger, Run, TensorBoardLogger
from topolearn.recording.loggers import check_loggers
from topolearn.recording.plan import ENVIRONMENT
from topolearn.training.ranks import Ranks


def new_directory(config: Any) -> Path:
    """Return the directory that a settled configuration names.

    Raises
    ------
    ExistingFileError
        When it is there.
    """
    path = Path(str(config.run_dir))
    if path.exists():
        raise ExistingFileError(
            f"the run directory {path} exists: continue it with --resume {path}, or choose another with --run-dir"
        )
    return path


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
        warnings.warn(
            f"the run in {run.path} began on {processes} and goes on with {ranks.size}: its links are chosen alike, "
            "but sums are rounded differently, so it is not bit for bit the run that was never stopped",
            stacklevel=4,  # who called resume, which keeps the random states
        )
