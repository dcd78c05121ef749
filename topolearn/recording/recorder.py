"""The recorder: numbers and topology of a run, written down while it goes on."""

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
from topolearn.recording.holding import Hold
from topolearn.recording.logged import check_numbers, check_step
from topolearn.recording.loggers import Logger, check_loggers, finish, tell
from topolearn.recording.plan import SUMMARY
from topolearn.recording.tables import METRICS, Table, read_table
from topolearn.recording.topology_log import TopologyLog
from topolearn.recording.watched import Watched

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Recorder:
    """Writes down what happens in a loop, into a run directory that `Run` reads; `topolearn.record` makes one.

    Topology updates record themselves. Use it as a context, or call `close` at the end.

    Attributes
    ----------
    path : Path
        The run directory.
    topology : TopologyLog
        What is written of the topology; ``recorder.topology.state`` is the last row of ``network.csv``.
    summary : dict
        Custom values for ``summary.json``, such as ``recorder.summary["bleu"] = 27.3``.
    """

    def __init__(self, path: Path, watched: Watched, topology: TopologyLog, hold: Hold) -> None:
        self.path, self.topology, self.summary = path, topology, dict[str, Any]()
        self._watched, self._hold = watched, hold
        self._loggers = topology.loggers  # the same list, to which others may come
        self._metrics = Table(path / METRICS, hold.manifest)
        self._last_step, self._earlier, self._began = 0, 0.0, time.monotonic()
        self._ended = ""  # why nothing is recorded any more
        self._handles = watched.listen(self._record)

    def add_logger(self, logger: Logger) -> None:
        """Tell one more logger what is recorded from now on, and at once how the topology is.

        Raises
        ------
        InvalidTypeError
            When it is not a logger.
        """
        self._loggers += check_loggers([logger])
        self.topology.greet(logger, max(self._last_step, self._watched.step or 0))

    def log(self, values: Mapping[str, Any] | None = None, /, *, step: int | None = None, **numbers: Any) -> None:
        """Keep numbers: a row of ``metrics.csv``.

        Parameters
        ----------
        values : Mapping, optional
            Numbers by name, for names that are not Python identifiers, such as ``"val/loss"``.
        step : int, optional
            Default ``topology.n_steps``, or one more than the last for a model without a scheduler. Where it is
            another than the scheduler's, the column ``n_steps`` has that one as well.
        **numbers
            Numbers by name: Python's, numpy's, or tensors with one element. NaN is kept.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            For no numbers, a name that is not text, a value that is not a number, or a step before the last one.
        RecordingError
            When it cannot be written, as on a full disk, or recording has ended.

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
        tell(self._loggers, {name: value for name, value in row.items() if name != "step"}, at)

    def measure(self, *, step: int | None = None) -> dict[str, float]:
        """Measure the topology now: rows of ``measures.csv``.

        With a scheduler, measures are taken at the start and after every so many updates anyway.

        Parameters
        ----------
        step : int, optional
            Default ``topology.n_steps``, or that of the last log for a model without a scheduler.

        Returns
        -------
        dict of str to float
            The values, as ``layer/measure``.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When no measures were asked for, the step is not valid, or something other than recorded updates has
            changed the links.
        RecordingError
            When it cannot be written, or recording has ended.
        """
        self._check_open()
        with written(self.path):
            return self.topology.measure(self._now() if step is None else check_step(step))

    def snapshot(self) -> None:
        """Keep the graphs as they are, if the history is one of snapshots.

        Raises
        ------
        RecordingError
            When they cannot be written, or recording has ended.
        """
        self._check_open()
        with written(self.path):
            self.topology.snapshot(self._now())

    def write_summary(self, *, complete: bool) -> None:
        """Write ``summary.json``: what was reached so far, and whether that is all."""
        state = {name: self.topology.state.get(name) for name in ("n_links", "density", "active_neurons")}
        seconds = self._earlier + time.monotonic() - self._began
        known = {"n_steps": self._now(), "n_updates": self.topology.n_updates, **state, "seconds": seconds}
        with self.replacing(SUMMARY):
            write_json(self.path / SUMMARY, {**known, **self.summary, "complete": complete})

    @contextmanager
    def replacing(self, *names: str) -> Iterator[None]:
        """Replace files of the run, such as checkpoints, in a block: a run that is killed there is not called changed.

        Parameters
        ----------
        *names : str
            Files and folders within the run directory.
        """
        with written(self.path), self._hold.manifest.replacing(*names):
            yield

    def close(self, *, complete: bool = True) -> None:
        """End the recording: the last chunk of the history is completed, and the summary is written.

        Parameters
        ----------
        complete : bool
            Whether the training reached its end; a context that is left by an error says no.
        """
        if not self._hold.is_held:
            return
        try:
            if not self._ended:  # else what ended it would only be met again
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
        """Stop recording, and leave the files as they are, as if the process had been killed."""
        for handle in self._handles:
            handle.remove()
        self._ended = self._ended or reason
        self._hold.release()

    def start(self) -> None:
        """Write the topology before training."""
        with written(self.path):
            self.topology.start(self._now())

    def resume(self, seconds: float) -> None:
        """Go on from files that were cut at the present step, after so many seconds recorded before."""
        self._earlier = seconds
        steps = read_table(self._metrics.path)["step"]
        self._last_step = int(steps.iloc[-1]) if len(steps) else 0
        self.topology.resume()

    def _record(self, update: TopologyUpdate) -> None:
        """Write down an update; whatever prevents it ends the recording, as a gap would never be seen again."""
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
                f"step={step} lies before {self._last_step}, the step logged last: steps of a run do not go backwards; "
                "after loading an earlier state, continue with record(..., resume=True)"
            )
        return step

    def _check_open(self) -> None:
        if self._ended:
            raise RecordingError(f"{self.path} is no longer recorded ({self._ended}): use record(..., resume=True)")

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
    """Let errors of the system say whose files could not be written, and what to do.

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
        told = RecordingError(
            f"{path} cannot be written ({reason}): what was recorded is kept; once that is fixed, resume from the last "
            "checkpoint"
        )
        told.errno = error.errno
        raise told from error
