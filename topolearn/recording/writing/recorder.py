"""The recorder: writes the metrics and topology of a run while it is in progress."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from topolearn.errors import InvalidValueError, RecordingError
from topolearn.evolution import TopologyUpdate
from topolearn.files import write_json
from topolearn.recording.plan import SUMMARY
from topolearn.recording.tables.growing import METRICS, Table, read_table
from topolearn.recording.writing.holding import Hold
from topolearn.recording.writing.logged import check_numbers, check_step
from topolearn.recording.writing.loggers import Logger, check_loggers, finish, log_numbers
from topolearn.recording.writing.topology_log import TopologyLog
from topolearn.recording.writing.watched import Watched

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Recorder:
    """Records a training loop into a run directory, which `Run` reads. Create one with `topolearn.record`.

    Topology updates are recorded automatically. Use the recorder as a context manager, or call `close` at the end.

    Attributes
    ----------
    path : Path
        The run directory.
    topology : TopologyLog
        Writes the topology; ``recorder.topology.state`` is the last row of ``network.csv``.
    summary : dict
        Custom values for ``summary.json``, such as ``recorder.summary["bleu"] = 27.3``.
    """

    def __init__(self, path: Path, watched: Watched, topology: TopologyLog, hold: Hold) -> None:
        self.path, self.topology, self.summary = path, topology, dict[str, Any]()
        self._watched, self._hold = watched, hold
        self._loggers = topology.loggers  # the same list, so that added loggers get both
        self._metrics = Table(path / METRICS, hold.manifest)
        self._last_step, self._earlier, self._began = 0, 0.0, time.monotonic()
        self._ended = ""  # why recording has ended
        self._handles = watched.listen(self._record)

    def add_logger(self, logger: Logger) -> None:
        """Add a logger, which receives the current topology now and everything recorded from now on.

        Raises
        ------
        InvalidTypeError
            When it is not a logger.
        """
        self._loggers += check_loggers([logger])
        self.topology.greet(logger, max(self._last_step, self._watched.step or 0))

    def log(self, values: Mapping[str, Any] | None = None, /, *, step: int | None = None, **numbers: Any) -> None:
        """Log numbers: one row of ``metrics.csv``.

        Parameters
        ----------
        values : Mapping, optional
            Numbers by name, for names that are not Python identifiers, such as ``"val/loss"``.
        step : int, optional
            Default ``topology.n_steps``, or for a model without a scheduler the last logged step plus one. If it
            differs from the scheduler's step, the column ``n_steps`` holds the scheduler's.
        **numbers
            Numbers by name: Python numbers, NumPy numbers, or tensors with one element. NaN is kept.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When there are no numbers, a name is not text, a value is not a number, or the step is before the last one.
        RecordingError
            When the row cannot be written, for example because the disk is full, or recording has ended.

        Examples
        --------
        ``recorder.log(loss=loss.item())``, ``recorder.log({"val/loss": 0.5}, step=100)``
        """
        self._check_open()
        given = {**(values or {}), **numbers}
        at = self._check_step(given.get("step") if step is None else step)
        row = check_numbers({**given, "step": at} if "step" in given else {"step": at, **given})
        clock = self._watched.step
        with written(self.path):
            self._metrics.append([row if clock in (None, at) else {**row, "n_steps": clock}])
            self._hold.manifest.seal(now=False)
        self._last_step = at
        log_numbers(self._loggers, {name: value for name, value in row.items() if name != "step"}, at)

    def measure(self, *, step: int | None = None) -> dict[str, float]:
        """Measure the topology now, and write the values to ``measures.csv``.

        With a scheduler this is rarely needed: the topology is measured at the start and every ``every`` updates.

        Parameters
        ----------
        step : int, optional
            Default ``topology.n_steps``, or the last logged step for a model without a scheduler.

        Returns
        -------
        dict of str to float
            The values, as ``layer/measure``.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When no measures were requested, the step is not valid, or something other than recorded updates has
            changed the links.
        RecordingError
            When the values cannot be written, or recording has ended.
        """
        self._check_open()
        with written(self.path):
            return self.topology.measure(self._now() if step is None else check_step(step))

    def snapshot(self) -> None:
        """Save the current graphs. Does nothing unless the recorder was created with ``history="snapshots"``.

        Raises
        ------
        RecordingError
            When the graphs cannot be written, or recording has ended.
        """
        self._check_open()
        with written(self.path):
            self.topology.snapshot(self._now())

    def write_summary(self, *, complete: bool) -> None:
        """Write ``summary.json``: the results so far, and whether the run is complete."""
        state = {name: self.topology.state.get(name) for name in ("n_links", "density", "active_neurons")}
        seconds = self._earlier + time.monotonic() - self._began
        known = {"n_steps": self._now(), "n_updates": self.topology.n_updates, **state, "seconds": seconds}
        with self.replacing(SUMMARY):
            write_json(self.path / SUMMARY, {**known, **self.summary, "complete": complete})

    @contextmanager
    def replacing(self, *names: str) -> Iterator[None]:
        """Replace files of the run, such as checkpoints, in a block, so that a kill in it does not invalidate the run.

        Parameters
        ----------
        *names : str
            Files and folders within the run directory.
        """
        with written(self.path), self._hold.manifest.replacing(*names):
            yield

    def close(self, *, complete: bool = True) -> None:
        """End the recording: complete the last chunk of the history, and write the summary.

        Parameters
        ----------
        complete : bool
            Whether the training reached its end; False when an exception leaves the context.
        """
        if not self._hold.is_held:
            return
        try:
            if not self._ended:  # otherwise the error that ended it would only occur again
                with written(self.path):
                    self.topology.finish(self._now())
                self.write_summary(complete=complete)
                with written(self.path):
                    self._hold.manifest.close(complete=complete)
                if complete:
                    self.topology.show(self._now())
                finish(self._loggers)
        finally:
            self.abandon("it is closed")

    def abandon(self, reason: str = "it was abandoned") -> None:
        """Stop recording and leave the files as they are, as if the process had been killed."""
        for handle in self._handles:
            handle.remove()
        self._ended = self._ended or reason
        self._hold.release()

    def start(self) -> None:
        """Write the topology before training."""
        with written(self.path):
            self.topology.start(self._now())

    def resume(self, seconds: float) -> None:
        """Continue from files that were cut at the current step; ``seconds`` is the time recorded before."""
        self._earlier = seconds
        steps = read_table(self._metrics.path)["step"]
        self._last_step = int(steps.iloc[-1]) if len(steps) else 0
        self.topology.resume()

    def _record(self, update: TopologyUpdate) -> None:
        """Record an update. Any failure ends the recording, because a gap in it would go unnoticed."""
        try:
            with written(self.path):
                self.topology.record(update)
                self._hold.manifest.seal(now=False)
        except BaseException as error:
            self.abandon(
                f"update {update.index} at step {update.step} was not recorded: {error or type(error).__name__}"
            )
            raise

    def _check_step(self, given: Any) -> int:
        if given is None:
            clock = self._watched.step
            given = self._last_step + 1 if clock is None else clock
        step = check_step(given)
        if step < self._last_step:
            raise InvalidValueError(
                f"step={step} is before the last logged step, {self._last_step}: the steps of a run cannot go "
                "backwards; after loading an earlier state, continue with record(..., resume=True)"
            )
        return step

    def _check_open(self) -> None:
        if self._ended:
            raise RecordingError(
                f"recording into {self.path} has ended ({self._ended}): continue with record(..., resume=True)"
            )

    def _now(self) -> int:
        return self._last_step if self._watched.step is None else self._watched.step

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(complete=error is None)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Turn system errors into a `RecordingError` that names the run directory and says what to do.

    Raises
    ------
    RecordingError
    """
    try:
        yield
    except RecordingError:
        raise
    except OSError as error:
        reason = "the disk is full" if error.errno in NO_SPACE else str(error)
        failure = RecordingError(
            f"cannot write to {path} ({reason}): everything recorded so far is kept; fix this, then resume from the "
            "last checkpoint"
        )
        failure.errno = error.errno
        raise failure from error
