"""The training log of a task's run: one row per evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from topolearn.errors import TrainingError
from topolearn.evolution import TopologyScheduler
from topolearn.integrations.huggingface.log import TrainerLog
from topolearn.recording import Logger, Recorder
from topolearn.recording.environment import is_first_rank
from topolearn.recording.plan import Plan
from topolearn.recording.record import open_recorder
from topolearn.recording.tables.growing import METRICS, read_table
from topolearn.task_registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from topolearn.recording.writing.holding import Hold
    from topolearn.tasks.running import Prepared
    from topolearn.training.progress import Progress

NAMES = {"learning_rate": "lr", "loss": "train_loss"}  # names of logged values in the trainer, and in the run
EVALUATED = "eval_"  # the trainer's prefix of validation measures, where the run uses val_


class TaskLog(TrainerLog):
    """Records the trainer's logs and the evolution of the topology in a run directory.

    Parameters
    ----------
    ready : Prepared
        The training, and the other files of the run.
    path : Path
        The directory of the run.
    config : TaskConfig
    loggers : sequence of Logger
    progress : Progress
    hold : Hold or None
        The hold on a run that is resumed.
    overwrite : bool
        Whether to remove a former run in the directory.
    """

    def __init__(
        self, ready: Prepared, path: Path, config: Any, loggers: Sequence[Logger], progress: Progress,
        hold: Hold | None, *, overwrite: bool,
    ) -> None:  # fmt: skip
        super().__init__(ready.trainer, path)
        self._hold, self._data, self._overwrite = hold, ready.data, overwrite
        self._directory, self._config, self._loggers, self._progress = path, config, loggers, progress
        self._files, self._task = ready.files, TASKS[config.task]
        self._pending: dict[str, float] = {}
        self._since = time.perf_counter()

    @property
    def recorder(self) -> Recorder:
        """The recorder that writes the run, available once training has begun."""
        assert self._recorder is not None
        return self._recorder

    def open(self, topology: TopologyScheduler, *, resume: bool) -> Recorder:
        """Begin or continue the run, with the task's configuration."""
        config = self._config
        measures = config.measures if topology.layers else ()
        plan = Plan(measures, config.measure_every, config.history, snapshot_every=None)
        self._since = time.perf_counter()
        # resume=True even for a new run, as the trainer has made its folder already
        recorder = open_recorder(
            self._directory, topology, plan, config, self._loggers, resume=True, hold=self._hold, data=self._data,
            overwrite=self._overwrite,
        )  # fmt: skip
        if is_first_rank():
            for name, write in self._files.items():
                write(self._directory / name)
        return recorder

    def note(self, logs: Mapping[str, Any]) -> None:
        """Collect what the trainer logs until it evaluates, then write it all as one row."""
        self._pending |= {NAMES[name]: float(value) for name, value in logs.items() if name in NAMES}
        evaluated = {name: float(value) for name, value in logs.items() if name.startswith(EVALUATED)}
        if not evaluated:
            return
        self._pending |= {f"val_{name.removeprefix(EVALUATED)}": value for name, value in evaluated.items()}
        if not all(math.isfinite(self._pending[name]) for name in ("train_loss", "val_loss")):
            raise TrainingError(
                f"the loss is not finite at step {self._trainer.state.global_step}: lower lr={self._config.lr}; "
                f"{self._directory} keeps the progress up to there"
            )
        if not is_first_rank():
            self._pending = {}
            return
        state, recorder = self._trainer.state, self.recorder
        row: dict[str, float] = {"step": state.global_step} | self._pending
        state_now = recorder.topology.state
        row |= {name: state_now[name] for name in ("density", "overlap") if state_now.get(name) is not None}
        row["seconds"] = time.perf_counter() - self._since
        recorder.log(row)
        recorder.snapshot()
        self._pending, self._since = {}, time.perf_counter()
        self._show(row)

    def close(self, *, complete: bool) -> None:
        """Close an incomplete run; a complete one stays open until its model is scored (see `finish`)."""
        if not complete:
            super().close(complete=False)

    def finish(self, scores: Mapping[str, Any]) -> None:
        """Write the summary, and mark the run as complete."""
        task, state, rows = self._task, self._trainer.state, read_table(self._directory / METRICS)
        reached = {task.best: state.best_metric, task.best_at: state.best_global_step}
        reached |= {task.last: float(rows[task.metric.name].iloc[-1])}
        reached |= {"seconds": float(rows["seconds"].sum())}  # without steps that were lost and repeated
        self.recorder.summary |= {**reached, **scores}
        super().close(complete=True)

    def _show(self, row: Mapping[str, float]) -> None:
        config, step = self._config, int(row["step"])
        left = (config.steps - step) / config.evaluate_every * row["seconds"]
        measured = [each for each in self._task.metrics if each.name.startswith("val_") and each.name != "val_loss"]
        shown = {"loss": f"{row['train_loss']:.3f}", "density": f"{row.get('density', 1.0):.2%}"}
        shown |= {each.title.removeprefix("validation "): f"{row[each.name]:.2f}" for each in measured}
        self._progress.note(f"step {step}/{config.steps}", shown, seconds=row["seconds"], left=left)
