"""`train` and `resume` for every task; each calls the task's own function, as registered."""

from pathlib import Path
from typing import Any

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.recording.run import Run
from topolearn.task_registry import TASKS, imported


def train(config: Any, **options: Any) -> Run:
    """Train according to a configuration, and record the training in a run directory.

    Parameters
    ----------
    config
        The configuration of a task, such as `TrainConfig`.
    **options
        Options of the task's own function, such as `topolearn.training.train`. All tasks accept ``overwrite``,
        ``loggers`` and ``quiet``.

    Returns
    -------
    Run

    Raises
    ------
    InvalidTypeError
        When ``config`` is not the configuration of a task.
    TopolearnError
        When the configuration cannot be trained; see the task's function for the kinds of error.

    Examples
    --------
    >>> import tempfile, topolearn as tl
    >>> config = tl.TrainConfig(method="chts", hidden=(32, 32), run_dir=tempfile.mkdtemp() + "/run")
    >>> run = tl.train(config, quiet=True)
    >>> len(run.history.steps)
    20
    """
    task = getattr(config, "task", None)
    if task not in TASKS:
        raise InvalidTypeError(
            f"config is a {type(config).__name__}: pass the configuration of a task ({', '.join(TASKS)}), such as "
            "tl.TrainConfig(...)"
        )
    run: Run = imported(TASKS[str(task)].train)(config, **options)
    return run


def resume(path: str | Path, **options: Any) -> Run:
    """Continue a run from its last checkpoint; the result is bit for bit that of an uninterrupted run.

    Parameters
    ----------
    path : path
        The run directory.
    **options
        As for `train`, plus ``device`` (where to continue) and ``accept_changes``.

    Raises
    ------
    MissingFileError
        When there is no run in the directory.
    InvalidValueError
        When the run was recorded in a custom loop, which has its own checkpoints.
    CorruptFileError, CheckpointError
        When its checkpoint or configuration cannot be used.
    ChangedRunError
        When the run has changed, unless ``accept_changes=True``.
    UnsafePathError
        When a symbolic link in the directory points outside it.
    """
    run = Run(path)
    if run.task is None:
        raise InvalidValueError(
            f"the run {path} was recorded in a custom loop: continue it from that loop with tl.record(..., resume=True)"
        )
    resumed: Run = imported(run.task.resume)(path, **options)
    return resumed
