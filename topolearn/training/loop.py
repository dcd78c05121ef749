"""`train` and `resume`: from a configuration, or a run directory, to a finished run."""

import platform
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from topolearn.errors import ExistingFileError, InvalidValueError
from topolearn.files import write_json
from topolearn.training.build import settle
from topolearn.training.config import TrainConfig
from topolearn.training.data import Dataset, load_dataset
from topolearn.training.loggers import Logger, TensorBoardLogger, check_loggers
from topolearn.training.run import CHECKPOINTS, CONFIG, ENVIRONMENT, Run
from topolearn.training.trainer import Trainer


def train(
    config: TrainConfig, *, data: Dataset | None = None, loggers: Sequence[Logger] = (), quiet: bool = False
) -> Run:
    """Train a network and leave a run directory behind.

    Parameters
    ----------
    config : TrainConfig
        What to do. Everything is checked before the directory is made.
    data : Dataset, optional
        Your own data, whose name then is the run's ``config.dataset``; default the one that ``config.dataset`` names.
    loggers : sequence of Logger
        Who is told numbers and pictures besides the run directory.
    quiet : bool
        Show no progress.

    Returns
    -------
    Run

    Raises
    ------
    ExistingFileError
        When the run directory exists.
    MissingPackageError
        When TensorBoard is asked for and not installed.
    TrainingError
        When the loss is no longer finite.
    TopolearnError
        Of another kind, for anything that cannot be trained.

    Examples
    --------
    >>> import tempfile, topolearn as tl
    >>> folder = tempfile.mkdtemp()
    >>> run = tl.train(tl.TrainConfig(epochs=2, hidden=(32, 32), run_dir=f"{folder}/run"), quiet=True)
    >>> run.metrics["n_updates"].tolist()
    [1, 0]
    """
    if data is not None:
        config = replace(config, dataset=data.name)
    data = data or load_dataset(config.dataset, config.data_dir)
    config = settle(config, data)
    path = Path(str(config.run_dir))
    if path.exists():
        raise ExistingFileError(
            f"the run directory {path} exists: continue it with --resume {path}, or choose another with --run-dir"
        )
    trainer = Trainer(config, data, path, _loggers(config, loggers))
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise InvalidValueError(f"the run directory {path} cannot be made ({error.strerror}): choose another") from None
    config.save(path / CONFIG)
    write_json(path / ENVIRONMENT, _environment(config))
    trainer.recorder.start()
    return trainer.run(quiet=quiet)


def resume(
    path: str | Path, *, data: Dataset | None = None, loggers: Sequence[Logger] = (), quiet: bool = False
) -> Run:
    """Continue a run from its last checkpoint; the result is, bit for bit, that of a run that was never stopped.

    Parameters
    ----------
    path : path
        The run directory.
    data : Dataset, optional
        The data that the run was started with, when it was given as an object.
    loggers : sequence of Logger
        Who is told numbers and pictures besides the run directory.
    quiet : bool
        Show no progress.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError, InvalidValueError
        When there is no run, or its checkpoint or configuration is unusable.
    """
    run = Run(path)
    config = run.config
    data = data or load_dataset(config.dataset, config.data_dir)
    settled = settle(config, data)
    if replace(settled, overrides=config.overrides) != config:  # parts newer than the run have their defaults
        raise InvalidValueError(
            f"{run.path / CONFIG} leaves values open, so it is not that of a run: start one with topolearn train "
            f"{run.path / CONFIG} --run-dir DIR"
        )
    trainer = Trainer(settled, data, run.path, _loggers(config, loggers))
    if not (run.path / ENVIRONMENT).is_file():
        write_json(run.path / ENVIRONMENT, _environment(config))
    if (run.path / CHECKPOINTS / "last.safetensors").is_file():
        trainer.restore()
    else:
        if trainer.recorder.history is not None:
            trainer.recorder.history.truncate(0)
        trainer.recorder.start()
    return trainer.run(quiet=quiet)


def _loggers(config: TrainConfig, loggers: Sequence[Logger]) -> list[Logger]:
    """Return the loggers given, and the one that the configuration asks for."""
    found = check_loggers(loggers)
    return [*found, TensorBoardLogger(Path(str(config.run_dir)) / "tensorboard")] if config.tensorboard else found


def _environment(config: TrainConfig) -> dict[str, Any]:
    device = torch.cuda.get_device_name() if config.device == "cuda" else platform.machine()
    return {
        "topolearn": version("topolearn"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.system(),
        "device": device,
        "threads": str(config.threads),
    }
