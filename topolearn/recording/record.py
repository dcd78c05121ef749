"""`record`: a run directory for any loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from topolearn.checks import check_size
from topolearn.errors import ExistingFileError, InvalidValueError, MissingFileError
from topolearn.files import write_json
from topolearn.recording.environment import environment, is_first_rank
from topolearn.recording.history import History, check_kept
from topolearn.recording.integrity.unchanged import note, take_up
from topolearn.recording.plan import (
    ENVIRONMENT,
    RECORDING,
    TOPOLOGY,
    Place,
    Plan,
    is_run,
    is_stump,
    manifest_of,
    may_begin,
)
from topolearn.recording.settings import check_config, differing, read_config, write_config
from topolearn.recording.writing.directories import check_free, remove_former
from topolearn.recording.writing.holding import Hold
from topolearn.recording.writing.loggers import Logger, check_loggers
from topolearn.recording.writing.measuring import DEFAULT, Measuring, check_measures
from topolearn.recording.writing.other_rank import OtherRank
from topolearn.recording.writing.recorder import Recorder, written
from topolearn.recording.writing.resuming import begin_again, cut
from topolearn.recording.writing.topology_log import TopologyLog
from topolearn.recording.writing.watched import Topology, Watched, to_watch
from topolearn.terminal import warn_user


def record(
    run_dir: str | Path,
    topology: Topology,
    *,
    measures: Sequence[str] = DEFAULT,
    every: int = 1,
    config: Any = None,
    loggers: Sequence[Logger] = (),
    history: str = "full",
    resume: bool = False,
    accept_changes: bool = False,
    overwrite: bool = False,
) -> Recorder:
    """Record a loop into a run directory, which `topolearn.Run` and ``topolearn report`` read.

    The topology is recorded automatically at the start and after each update. With several processes, only rank 0
    records.

    Parameters
    ----------
    run_dir : path
        The run directory. It must not exist yet, unless the run in it is continued or overwritten.
    topology : TopologyScheduler, mapping of str to TopologyScheduler, or torch.nn.Module
        What to record. With a mapping, layer names are prefixed with the scheduler's name and a dot. A model without a
        scheduler is static or dense; it is measured when `Recorder.measure` is called.
    measures : sequence of str
        Names from `topolearn.diagnostics.MEASURES`, measured at the start and after updates.
    every : int
        Number of updates between measurements, and between snapshots.
    config : mapping or dataclass, optional
        Configuration that `Run.config` returns later, such as ``vars(args)``. Values that JSON cannot represent are
        stored as text.
    loggers : sequence of Logger
        Loggers that also receive metrics and pictures.
    history : {"full", "snapshots", "summary"}
        How much of the topology to keep: every removed and added link, the graphs every ``every`` updates and at the
        end, or only the number of links removed and added.
    resume : bool
        Continue the run in an existing directory at ``topology.n_steps``; everything recorded after that step is
        dropped. Restore model, optimizer and topology first. If there is no run yet, a new one is started. At step 0
        the run starts again, and its earlier files are kept in a subfolder.
    accept_changes : bool
        Continue a run even if its files were changed or lost since they were written, or if it was started with other
        versions of topolearn or torch. The changes are noted in the run.
    overwrite : bool
        Remove an existing run from the directory and start a new one.

    Returns
    -------
    Recorder
        A context manager: leaving the block closes the recorder and marks the run as complete.

    Raises
    ------
    ExistingFileError
        When the directory exists, and neither ``resume`` nor ``overwrite`` is set.
    InvalidTypeError, InvalidValueError, UnknownNameError
        When a topology, measure, configuration or logger cannot be used, another recorder is writing to the directory,
        or the run in it was recorded with other options.
    CheckpointError
        When model and topology do not match the run at this step.
    ChangedRunError
        When the run has changed since it was last written; see ``accept_changes``.
    RecordingError
        When the files cannot be written, for example because the disk is full.
    UnsafePathError
        When a symbolic link in the directory points outside it.

    Examples
    --------
    >>> import tempfile, torch, topolearn as tl
    >>> model = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.Linear(32, 2)), "set")
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> topology = tl.TopologyScheduler(model, optimizer, "set", total_steps=6, interval=2)
    >>> folder = tempfile.mkdtemp()
    >>> with tl.record(f"{folder}/run", topology, measures=["closure"], config={"lr": 0.1}) as recorder:
    ...     for _ in range(6):
    ...         loss = model(torch.ones(4, 16)).square().mean()
    ...         optimizer.zero_grad()
    ...         loss.backward()
    ...         optimizer.step()
    ...         _ = topology.step()
    ...         recorder.log(loss=loss.item())
    >>> run = tl.Run(f"{folder}/run")
    >>> len(run.metrics), run.history.steps, run.config
    (6, [0, 2, 4], {'lr': 0.1})
    """
    every = check_size("every", every)
    plan = Plan(check_measures(measures), every, check_kept(history), snapshot_every=every)
    if resume and overwrite:
        raise InvalidValueError("resume=True continues the run that overwrite=True would remove: set only one of them")
    hold = None
    if resume and is_first_rank() and is_run(Path(run_dir)):
        hold = take_up(Path(run_dir), accept_changes=accept_changes)
    try:
        return open_recorder(
            run_dir, topology, plan, check_config(config), loggers, resume=resume, hold=hold, overwrite=overwrite
        )
    except BaseException:
        if hold is not None:
            hold.release()
        raise


def open_recorder(
    run_dir: str | Path,
    topology: Topology,
    plan: Plan,
    config: Any,
    loggers: Sequence[Logger],
    *,
    resume: bool,
    hold: Hold | None = None,
    data: str = "",
    overwrite: bool = False,
) -> Recorder:
    """Start or continue a recording, for `record` and for the task trainers, whose configuration is stored unchanged.

    Parameters
    ----------
    run_dir, topology, plan, config, loggers, resume
        As for `record`.
    hold : Hold, optional
        The hold on a continued run, from `take_up`; the recorder releases it when it is closed.
    data : str
        Checksum of the training data of a new run.
    overwrite : bool
        As for `record`.

    Raises
    ------
    TopolearnError
        As `record`.
    """
    listeners, watched, path = check_loggers(loggers), to_watch(topology), Path(run_dir)
    if not is_first_rank():
        return OtherRank(path)
    description = plan.describe(watched)  # before any file is created, as it rejects wrongly declared outputs
    if overwrite:
        check_free(path, overwrite=True)
        remove_former(path)
    _make(path, watched, resume=resume)
    hold = hold or Hold(path)
    try:
        return _opened(path, watched, plan, description, config, listeners, hold, data)
    except BaseException:
        hold.release()
        raise


def _make(path: Path, watched: Watched, *, resume: bool) -> None:
    """Create the directory, unless it exists and may be continued."""
    if path.exists():
        if is_stump(path) and not (resume and watched.step):
            return
        if not resume:
            raise ExistingFileError(
                f"the run directory {path} already exists: continue it with resume=True, replace it with "
                "overwrite=True, or choose another directory"
            )
        if not is_run(path) and not may_begin(path):
            raise InvalidValueError(f"{path} is not a run directory, so there is nothing to continue: choose another")
        return
    if resume and watched.step:
        raise MissingFileError(
            f"there is no run in {path} to continue at step {watched.step}: check the path, or leave resume=True out"
        )
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise InvalidValueError(
            f"the run directory {path} cannot be created ({error.strerror}): choose another"
        ) from None


def _opened(
    path: Path,
    watched: Watched,
    plan: Plan,
    description: Mapping[str, Any],
    config: Any,
    loggers: Sequence[Logger],
    hold: Hold,
    data: str,
) -> Recorder:
    """Return the recorder for a held directory, starting a new run or cutting the existing one at the current step."""
    place = cut(path, watched, plan, hold.manifest)
    if place is None:
        place = Place(0, watched.n_updates, 0.0)
        begin_again(path)
        with written(path):
            write_config(path, config)
            write_json(path / ENVIRONMENT, environment(watched.models, data))
        hold.manifest = manifest_of(path)  # the manifest of a task lists more files
    else:
        _warn_of_other(config, path)
    with written(path):
        if hold.accepted:
            note(path, hold.accepted, hold.surroundings)
        hold.manifest.begin()
    history = History(path / TOPOLOGY, kept=plan.history) if watched.layers else None
    measuring = Measuring(path, plan.measures, plan.every, hold.manifest)
    topology = TopologyLog(watched, history, measuring, loggers, place, plan.snapshot_every)
    recorder = Recorder(path, watched, topology, hold)
    try:
        if (path / RECORDING).is_file():
            recorder.resume(place.seconds)
        else:
            recorder.start()
            with written(path):
                write_json(path / RECORDING, description)  # last, as it marks the start as complete
                hold.manifest.seal()
    except BaseException:
        recorder.abandon()
        raise
    return recorder


def _warn_of_other(config: Any, path: Path) -> None:
    names = differing(config, read_config(path)) if config else []  # no config was given: nothing to compare
    if names:
        warn_user(
            f"config differs from the recorded one in {', '.join(names)}: {path} keeps its original configuration",
        )
