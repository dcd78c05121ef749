"""`train` and `resume` for every task: what its row in the registry names does the work."""

from pathlib import Path
from typing import Any

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.recording.run import Run
from topolearn.task_registry import TASKS, imported


def train(config: Any, **options: Any) -> Run:
    """Train what a configuration says, and leave a run directory behind.

    Parameters
    ----------
    config
        The configuration of a task, such as `TrainConfig`.
    **options
        For the task's own function, such as `topolearn.training.train`: ``overwrite``, ``loggers`` and ``quiet`` for
        all.

    Returns
    -------
    Run

    Raises
    ------
    InvalidTypeError
        When it is not the configuration of a task.
    TopolearnError
        Of another kind, for anything that cannot be trained; see the task's function.

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
            f"config is a {type(config).__name__}: give the configuration of a task ({', '.join(TASKS)}), such as "
            "tl.TrainConfig(...)"
        )
    run: Run = imported(TASKS[str(task)].train)(config, **options)
    return run


def resume(path: str | Path, **options: Any) -> Run:
    """Continue a run from its last checkpoint; the result is, bit for bit, that of a run that was never stopped.

    Parameters
    ----------
    path : path
        The run directory.
    **options
        As for `train`, ``device`` (where to go on), and ``accept_changes``.

    Raises
    ------
    MissingFileError
        When there is no run.
    InvalidValueError
        When it is the run of a custom loop, which has its own checkpoints.
    CorruptFileError, CheckpointError
        When its checkpoint or configuration is unusable.
    ChangedRunError
        When it would not go on as it began, unless ``accept_changes=True`` is among the options.
    UnsafePathError
        When a link in the directory leads out of it.
    """
    run = Run(path)
    if run.task is None:
        raise InvalidValueError(
            f"the run {path} was recorded in a custom loop: continue it with that program, by tl.record(..., "
            "resume=True)"
        )
    resumed: Run = imported(run.task.resume)(path, **options)
    return resumed
