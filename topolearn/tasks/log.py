"""What the run of a task says of its training: a row for each evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from topolearn.errors import TrainingError
from topolearn.evolution import TopologyScheduler
from topolearn.integrations.huggingface_log import TrainerLog
from topolearn.recording import Logger, Recorder
from topolearn.recording.environment import is_first_rank
from topolearn.recording.plan import Plan
from topolearn.recording.record import open_recorder
from topolearn.recording.tables import METRICS, read_table
from topolearn.task_registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from topolearn.recording.holding import Hold
    from topolearn.tasks.running import Prepared
    from topolearn.training.progress import Progress

NAMES = {"learning_rate": "lr", "loss": "train_loss"}  # what the trainer calls what is logged, and what the run does
EVALUATED = "eval_"  # in front of what is measured on validation examples, where the run has val_


class TaskLog(TrainerLog):
    """Records what the trainer logs, and what becomes of the topology, in the directory of a run.

    Parameters
    ----------
    ready : Prepared
        What is trained, and what else belongs to the run.
    path : Path
        The directory of the run.
    config : TaskConfig
    loggers : sequence of Logger
    progress : Progress
    hold : Hold or None
        Of a run that goes on.
    """

    def __init__(
        self, ready: Prepared, path: Path, config: Any, loggers: Sequence[Logger], progress: Progress,
        hold: Hold | None,
    ) -> None:  # fmt: skip
        super().__init__(ready.trainer, path)
        self._hold, self._data = hold, ready.data
        self._directory, self._config, self._loggers, self._progress = path, config, loggers, progress
        self._files, self._task = ready.files, TASKS[config.task]
        self._pending: dict[str, float] = {}
        self._since = time.perf_counter()

    @property
    def recorder(self) -> Recorder:
        """What writes the run, from the beginning of the training on."""
        assert self._recorder is not None
        return self._recorder

    def open(self, topology: TopologyScheduler, *, resume: bool) -> Recorder:
        """Begin or continue the run, whose configuration is that of the task."""
        config = self._config
        measures = config.measures if topology.layers else ()
        plan = Plan(measures, config.measure_every, config.history, snapshot_every=None)
        self._since = time.perf_counter()
        made = True  # the folder, by the trainer
        recorder = open_recorder(
            self._directory, topology, plan, config, self._loggers, resume=made, hold=self._hold, data=self._data
        )
        if is_first_rank():
            for name, write in self._files.items():
                write(self._directory / name)
        return recorder

    def note(self, logs: Mapping[str, Any]) -> None:
        """Keep what the trainer logs until it evaluates, and write it all as a row then."""
        self._pending |= {NAMES[name]: float(value) for name, value in logs.items() if name in NAMES}
        evaluated = {name: float(value) for name, value in logs.items() if name.startswith(EVALUATED)}
        if not evaluated:
            return
        self._pending |= {f"val_{name.removeprefix(EVALUATED)}": value for name, value in evaluated.items()}
        if not all(math.isfinite(self._pending[name]) for name in ("train_loss", "val_loss")):
            raise TrainingError(
                f"the loss is not finite at step {self._trainer.state.global_step}: lower lr={self._config.lr}; "
                f"{self._directory} keeps what was reached before"
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
        """Leave a training that is complete open: its model is scored before its summary says so."""
        if not complete:
            super().close(complete=False)

    def finish(self, scores: Mapping[str, Any]) -> None:
        """Write the summary, and say that the run is complete."""
        task, state, rows = self._task, self._trainer.state, read_table(self._directory / METRICS)
        reached = {task.best: state.best_metric, task.best_at: state.best_global_step}
        reached |= {task.last: float(rows[task.metric.name].iloc[-1])}
        reached |= {"seconds": float(rows["seconds"].sum())}  # of what counts, whatever was killed and done again
        self.recorder.summary |= {**reached, **scores}
        super().close(complete=True)

    def _show(self, row: Mapping[str, float]) -> None:
        config, step = self._config, int(row["step"])
        left = (config.steps - step) / config.evaluate_every * row["seconds"]
        measured = [each for each in self._task.metrics if each.name.startswith("val_") and each.name != "val_loss"]
        shown = {"loss": f"{row['train_loss']:.3f}", "density": f"{row.get('density', 1.0):.2%}"}
        shown |= {each.title.removeprefix("validation "): f"{row[each.name]:.2f}" for each in measured}
        self._progress.note(f"step {step}/{config.steps}", shown, seconds=row["seconds"], left=left)
