"""What a run of translation says of its training: a row for each evaluation."""

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
from topolearn.tasks.translation.checkpoints import VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from topolearn.tasks.translation.config import TranslationConfig
    from topolearn.tasks.translation.vocabulary import Vocabulary
    from topolearn.training.progress import Progress

# What the trainer calls what is logged, and what the run does.
NAMES = {
    "learning_rate": "lr", "loss": "train_loss", "eval_loss": "val_loss", "eval_perplexity": "val_perplexity",
    "eval_bleu": "val_bleu",
}  # fmt: skip
EVALUATED = "eval_bleu"


class TranslationLog(TrainerLog):
    """Records what the trainer logs, and what becomes of the topology, in the directory of a run.

    Parameters
    ----------
    trainer : TranslationTrainer
    path : Path
        The directory of the run.
    config : TranslationConfig
    vocabulary : Vocabulary
        Written into the run as it begins.
    loggers : sequence of Logger
    progress : Progress
    """

    def __init__(
        self, trainer: Any, path: Path, config: TranslationConfig, vocabulary: Vocabulary, loggers: Sequence[Logger],
        progress: Progress,
    ) -> None:  # fmt: skip
        super().__init__(trainer, path)
        self._directory, self._config, self._loggers, self._progress = path, config, loggers, progress
        self._vocabulary = vocabulary
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
        recorder = open_recorder(self._directory, topology, plan, config, self._loggers, resume=made)
        if is_first_rank():
            self._vocabulary.save(self._directory / VOCABULARY)
        return recorder

    def note(self, logs: Mapping[str, Any]) -> None:
        """Keep what the trainer logs until it evaluates, and write it all as a row then."""
        self._pending |= {NAMES[name]: float(value) for name, value in logs.items() if name in NAMES}
        if EVALUATED not in logs:
            return
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
        state, last = self._trainer.state, read_table(self._directory / METRICS)["val_bleu"].iloc[-1]
        reached = {"best_bleu": state.best_metric, "best_step": state.best_global_step, "last_bleu": float(last)}
        self.recorder.summary |= {**reached, **scores}
        super().close(complete=True)

    def _show(self, row: Mapping[str, float]) -> None:
        config, step = self._config, int(row["step"])
        left = (config.steps - step) / config.evaluate_every * row["seconds"]
        shown = {
            "loss": f"{row['train_loss']:.3f}", "perplexity": f"{row['val_perplexity']:.2f}",
            "BLEU": f"{row['val_bleu']:.2f}", "density": f"{row.get('density', 1.0):.2%}",
        }  # fmt: skip
        self._progress.note(f"step {step}/{config.steps}", shown, seconds=row["seconds"], left=left)
