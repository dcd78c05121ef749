"""Progress output of a study: one line per finished run with the time left, and a progress bar on terminals."""

import math
import sys
import time
from types import TracebackType
from typing import TextIO

from topolearn.recording import Run
from topolearn.studies.directory import DONE
from topolearn.studies.study import PlannedRun
from topolearn.studies.work import Outcome
from topolearn.task_registry import TASKS
from topolearn.terminal import progress_bar, shows_bars, visible


class StudyProgress:
    """Shows the runs of a study as they end.

    Parameters
    ----------
    runs : list of PlannedRun
        The runs to train.
    known : str
        Summary of the states of all runs.
    stream : file, optional
        Where to write; default standard error.
    quiet : bool
        Print nothing.
    """

    def __init__(
        self, runs: list[PlannedRun], known: str, *, stream: TextIO | None = None, quiet: bool = False
    ) -> None:
        self._stream = stream or sys.stderr
        self._quiet, self._total, self._ended = quiet, len(runs), 0
        self._width = max((len(run.label) for run in runs), default=0)
        self._begin = time.monotonic()
        self._bar = progress_bar(
            total=len(runs),
            unit="run",
            file=self._stream,
            disable=quiet or not runs or not shows_bars(self._stream),
            dynamic_ncols=True,
        )
        self._write(f"{known}, {len(runs)} to do")

    def __enter__(self) -> "StudyProgress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def ended(self, run: PlannedRun, outcome: Outcome, trained: Run | None) -> None:
        """Print the outcome of a run."""
        self._ended += 1
        self._bar.update()
        words = outcome.error
        if outcome.state == DONE and trained is not None:
            task, summary = TASKS[trained.config.task], trained.summary
            words = f"{task.metric.text(summary[task.best]):>8}  {clock(summary['seconds']):>8}"
        place = f"{self._ended:{len(str(self._total))}}/{self._total}"
        line = f"{place}  {outcome.state:6}  {run.id}  {run.label:{self._width}}  seed {run.seed}  {words}"
        left = (time.monotonic() - self._begin) / self._ended * (self._total - self._ended)
        self._write(f"{line}  {clock(left)} left" if self._ended < self._total else line)

    def again(self, n_runs: int) -> None:
        """Report that runs are tried again."""
        self._write(f"{n_runs} runs were in use by another process, or their worker died: trying again")

    def _write(self, line: str) -> None:
        if not self._quiet:
            self._bar.write(visible(line), file=self._stream)
            self._stream.flush()


def clock(seconds: float) -> str:
    """Format a time.

    Examples
    --------
    >>> clock(8.4), clock(125), clock(7260), clock(float("nan"))
    ('8.4 s', '2 min 5 s', '2 h 1 min', 'unknown time')
    """
    if math.isnan(seconds):  # the recording was killed at some point
        return "unknown time"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
