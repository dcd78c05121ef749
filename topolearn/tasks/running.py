"""Shared by all tasks that train with transformers: settle open values, and train, possibly from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from topolearn.devices import settled_device, warn_of_slow_bf16
from topolearn.errors import InvalidValueError
from topolearn.integrations.huggingface import attach_log
from topolearn.recording import Logger, Run
from topolearn.recording.plan import is_run
from topolearn.recording.writing.directories import free_directory
from topolearn.recording.writing.holding import Hold
from topolearn.tasks.checkpoints import CHECKPOINTS, last_checkpoint, step_of
from topolearn.tasks.log import TaskLog
from topolearn.tasks.packages import check_hf_packages
from topolearn.tasks.step_config import INTERVAL
from topolearn.terminal import warn_user
from topolearn.threads import thread_count
from topolearn.training.backend import settled_backend
from topolearn.training.progress import Progress
from topolearn.training.random_states import global_generator
from topolearn.training.ranks import Ranks
from topolearn.training.run_directory import continuable, loggers_of

C = TypeVar("C")


@dataclass(frozen=True)
class Prepared:
    """A training run that is ready to start.

    Attributes
    ----------
    trainer : TaskTrainer
    files : mapping of str to callable
        The other files of the run: for each name, a function that writes the file.
    test : callable
        ``test()`` returns the scores of the best model for the summary, at the end.
    data : str
        Checksum of the training data, if the files do not contain one.
    """

    trainer: Any
    files: Mapping[str, Callable[[Path], None]]
    test: Callable[[], Mapping[str, Any]]
    data: str = ""


def settled(config: C, *, shapes: Iterable[tuple[int, int]], batch: int, name: str) -> C:
    """Return a task's configuration with all open values settled.

    Parameters
    ----------
    config : TaskConfig
    shapes : iterable of (int, int)
        Shapes of the layers for which a backend is chosen.
    batch : int
        Rows that a layer multiplies at a time.
    name : str
        Name of the data, for the name of the directory.

    Raises
    ------
    InvalidValueError
        When the trainer cannot use the device.
    """
    known: Any = config
    method = known.build_method()
    if known.warmup >= known.steps:
        warn_user(
            f"warmup={known.warmup} and steps={known.steps}: the learning rate rises until the end, and reaches "
            f"lr={known.lr} only then, if at all: lower warmup, or train longer"
        )
    density = "" if method.is_dense else f"-{method.density:g}"
    device = trainer_device(known.device)
    warn_of_slow_bf16(known.precision, device)
    return replace(
        known,
        device=device,
        backend=settled_backend(known, device, method, list(shapes), batch=batch),
        density=None if method.is_dense else method.density,
        update_interval=known.update_interval or method.interval or INTERVAL,
        threads=known.threads or torch.get_num_threads(),
        run_dir=known.run_dir or free_directory(f"runs/{name}-{known.method}{density}-s{known.seed}"),
    )


def trainer_device(name: str) -> str:
    """Return the device for the trainer of transformers, which supports no CUDA device other than the first.

    Raises
    ------
    InvalidValueError
        When the device is not available here, or not supported.
    """
    device = settled_device("device", name)
    if device not in ("cpu", "cuda", "cuda:0"):
        raise InvalidValueError(
            f"device={name!r}, but this task is trained on 'cpu', or on 'cuda', which is the first visible device: "
            "choose another one with CUDA_VISIBLE_DEVICES"
        )
    return device


def run_training(
    config: Any, path: Path, prepare: Callable[[Path | None], Prepared], loggers: Sequence[Logger], *, quiet: bool,
    packages: Sequence[str], hold: Hold | None = None, overwrite: bool = False,
) -> Run:  # fmt: skip
    """Train to the end, from the last checkpoint if there is one.

    Parameters
    ----------
    config : TaskConfig
    path : Path
        The directory of the run; removed if training is rejected before it starts.
    prepare : callable
        ``prepare(checkpoint)`` returns the training; the checkpoint is the one to resume from, or None.
    loggers : sequence of Logger
    quiet : bool
    packages : sequence of str
        Packages that are needed for training or at its end.
    hold : Hold, optional
        The hold on a run that is resumed.
    overwrite : bool
        Remove the former run in the directory, but only when everything about the new one has been checked.

    Notes
    -----
    The trainer seeds torch's global generator, which dropout draws from. So training runs in several threads take
    turns, and each gives the same result as on its own.
    """
    check_hf_packages(packages)
    try:
        with global_generator(), thread_count(config.threads), continuable(path):
            _train(config, path, prepare, loggers, hold, overwrite=overwrite, quiet=quiet)
    finally:
        if Ranks().is_first and not is_run(path):  # rejected before it started, with nothing but empty folders
            for folder in (path / CHECKPOINTS, path):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
    return Run(path)


def _train(
    config: Any, path: Path, prepare: Callable[[Path | None], Prepared], loggers: Sequence[Logger], hold: Hold | None,
    *, overwrite: bool, quiet: bool,
) -> None:  # fmt: skip
    from topolearn.tasks.trainer import StepCallback, without_bars

    ranks, method, last = Ranks(), config.build_method(), None if overwrite else last_checkpoint(path)
    ready = prepare(last)
    title, done = f"{method.title} on {config.dataset}", 0 if last is None else step_of(last)
    shows = ranks.is_first and not quiet
    with without_bars(), Progress(title, config.steps, done=done, quiet=not shows) as progress:
        own = loggers_of(config, path, loggers) if ranks.is_first else []
        log = TaskLog(ready, path, config, own, progress, hold, overwrite=overwrite)
        ready.trainer.saving = lambda: log.recorder.replacing(CHECKPOINTS)
        attach_log(ready.trainer, method, log, config.update_interval, config.seed)
        ready.trainer.add_callback(StepCallback(progress))
        try:
            ready.trainer.train(resume_from_checkpoint=None if last is None else str(last))
            if ranks.is_first:
                log.finish(ready.test())
        except BaseException:
            log.close(complete=False)  # so that this process, too, can resume it
            raise
    ranks.wait()
