"""`train` and `resume`, which train a configuration or continue a run, and `load_model`, which loads its model."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from topolearn.defaults import AUTO
from topolearn.errors import InvalidValueError
from topolearn.recording import Logger, Run
from topolearn.recording.plan import Plan
from topolearn.recording.record import open_recorder
from topolearn.recording.run import LAST
from topolearn.recording.settings import OF_A_TASK
from topolearn.recording.writing.holding import Hold
from topolearn.threads import thread_count
from topolearn.training.build import model_of_checkpoint, settle
from topolearn.training.config import TrainConfig
from topolearn.training.data import Dataset, load_dataset
from topolearn.training.random_states import random_states_kept
from topolearn.training.run_directory import continuable, loggers_of, new_directory, taken_up, warn_of_other_ranks
from topolearn.training.trainer import CHECKPOINTS, Trainer


@thread_count()
@random_states_kept()
def train(
    config: TrainConfig,
    *,
    data: Dataset | None = None,
    overwrite: bool = False,
    loggers: Sequence[Logger] = (),
    quiet: bool = False,
) -> Run:
    """Train a network and record the training in a run directory.

    In a process group of ``torch.distributed``, each process that calls this computes its share of every batch, and
    rank 0 records. The links are the same as with one process, and the weights are the same up to rounding.

    Trainings in several threads of a process give bit for bit the same results as alone: all draws come from the run's
    seed, and torch's global generator is neither read nor changed. Custom components that draw with torch at an update
    also use a generator of the run. A model that draws from the global generator itself, for example with dropout, is
    trained alone, and other such trainings wait for it.

    Parameters
    ----------
    config : TrainConfig
        The configuration. Everything is checked before the run directory is created. If ``run_dir`` is not set, the
        directory is named after the configuration, with a number if it exists already: ``runs/digits-chts-0.05-s0``,
        ``runs/digits-chts-0.05-s0-2``, ...
    data : Dataset, optional
        Your own data, whose name becomes the run's ``config.dataset``; default the data set ``config.dataset``.
    overwrite : bool
        Remove an existing run in ``config.run_dir``.
    loggers : sequence of Logger
        Loggers that also receive metrics and pictures.
    quiet : bool
        Show no progress.

    Returns
    -------
    Run

    Raises
    ------
    ExistingFileError
        When ``config.run_dir`` exists, and is not to be overwritten.
    MissingPackageError
        When TensorBoard is requested but not installed.
    TrainingError
        When the loss is no longer finite.
    TopolearnError
        When the configuration cannot be trained for another reason.

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
    path = new_directory(config, overwrite=overwrite)
    trainer, given = Trainer(config, data, path), loggers_of(config, path, loggers)
    return _run(trainer, given, data=data.checksum(), resume=False, overwrite=overwrite, quiet=quiet)


@thread_count()
@random_states_kept()
def resume(
    path: str | Path,
    *,
    data: Dataset | None = None,
    device: str | None = None,
    accept_changes: bool = False,
    loggers: Sequence[Logger] = (),
    quiet: bool = False,
) -> Run:
    """Continue a run from its last checkpoint; the result is bit for bit that of an uninterrupted run.

    The run's files, its data, and the versions of topolearn and torch must be unchanged.

    Parameters
    ----------
    path : path
        The run directory.
    data : Dataset, optional
        The data that the run was started with, if it was passed as an object.
    device : str, optional
        Where to continue, as for ``TrainConfig.device``; default the original device, which the run's files keep.
    accept_changes : bool
        Continue in spite of changes; the run notes them under "accepted" in its environment. If its checkpoints are
        missing, the run starts again, and its earlier files are kept in a subfolder.
    loggers : sequence of Logger
        Loggers that also receive metrics and pictures.
    quiet : bool
        Show no progress.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError, InvalidValueError
        When there is no run, its checkpoint or configuration cannot be used, or another process is writing to it.
    ChangedRunError
        When the run has changed; the message lists the changes.
    """
    run = Run(path)
    config = run.config
    data = data or load_dataset(config.dataset, config.data_dir)
    settled = settle(config if device is None else replace(config, device=device), data)
    recorded = replace(settled, overrides=config.overrides, device=config.device)  # newer options have their defaults
    if recorded != config or config.device == AUTO:
        raise InvalidValueError(
            f"{run.path / OF_A_TASK} leaves values open, so it is not the configuration of a run: start a run with "
            f"'topolearn train {run.path / OF_A_TASK} --run-dir DIR'"
        )
    last, checksum = run.path / CHECKPOINTS / f"{LAST}.safetensors", data.checksum()

    def checkpoint() -> Path | None:
        return last if last.is_file() else None

    with taken_up(run.path, checkpoint, data=checksum, accept_changes=accept_changes) as hold:
        trainer = Trainer(settled, data, run.path)
        if checkpoint():
            warn_of_other_ranks(run, trainer.ranks)
            trainer.restore()
        given = loggers_of(config, run.path, loggers)
        return _run(trainer, given, hold=hold, data=checksum, resume=True, quiet=quiet)


@random_states_kept()
def load_model(run_dir: Path, which: str) -> nn.Module:
    """Return the model of a run's checkpoint "best" or "last", on the CPU.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError
        When there is no such checkpoint, or it cannot be used.
    """
    config = TrainConfig.load(run_dir / OF_A_TASK)
    return model_of_checkpoint(run_dir / CHECKPOINTS / f"{which}.safetensors", config.hidden or ())


def _run(
    trainer: Trainer, loggers: Sequence[Logger], *, resume: bool, quiet: bool, hold: Hold | None = None,
    data: str = "", overwrite: bool = False,
) -> Run:  # fmt: skip
    """Record the training from its current epoch to its end."""
    config = trainer.config
    with thread_count(config.threads), continuable(trainer.path):
        measures = config.measures if trainer.topology.layers else ()
        plan = Plan(measures, config.measure_every or 1, config.history, snapshot_every=None)  # one per epoch instead
        if not trainer.ranks.is_first:
            loggers = ()
        recorder = open_recorder(
            trainer.path, trainer.topology, plan, config, loggers, resume=resume, hold=hold, data=data,
            overwrite=overwrite,
        )  # fmt: skip
        return trainer.run(recorder, quiet=quiet)
