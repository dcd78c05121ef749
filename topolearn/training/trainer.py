"""`Trainer`: batches, steps, topology updates, evaluation and recording."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from topolearn.distributed import agreement
from topolearn.errors import CorruptFileError, TrainingError
from topolearn.evolution import TopologyUpdate
from topolearn.evolution.kinds import kind_of
from topolearn.recording import Recorder, Run
from topolearn.recording.plan import SUMMARY
from topolearn.recording.run import BEST, LAST
from topolearn.recording.writing.measuring import NETWORK
from topolearn.sampling import RandomField, torch_draws_from
from topolearn.sparse import CSR, MASKED, SparseLinear
from topolearn.sparse.products.form import COMPILED
from topolearn.terminal import say
from topolearn.training.build import build, steps_per_epoch
from topolearn.training.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint
from topolearn.training.config import TrainConfig
from topolearn.training.data import Dataset
from topolearn.training.progress import Progress
from topolearn.training.random_states import global_generator
from topolearn.training.ranks import Ranks

if TYPE_CHECKING:
    from topolearn.compiled import CompiledSteps, StepsTaken

CHECKPOINTS = "checkpoints"
DRAWS_NOTHING = (nn.Sequential, nn.Linear, nn.ReLU, SparseLinear)  # modules that draw no random numbers
EVALUATION_BATCH = {MASKED: 2048, CSR: 128}  # few examples for csr, so that activations stay in the cache
EVALUATION_CELLS = 2**25  # maximum activations of a layer, which limits the batch size for wide layers


class Trainer:
    """One training and its state.

    With several processes, each computes its share of every batch, all take the same steps, and rank 0 records.
    """

    def __init__(self, config: TrainConfig, data: Dataset, path: Path) -> None:
        self.config, self.path, self.ranks = config, path, Ranks()
        self.model, self.optimizer, self.topology = build(config, data)
        self.device = torch.device(config.device)
        self.train_x, self.train_y, self.test_x, self.test_y = (
            tensor.to(self.device) for tensor in (data.train_x, data.train_y, data.test_x, data.test_y)
        )
        self.mean, self.deviation = data.standardisation()
        self.steps_per_epoch = steps_per_epoch(config, data)
        self.done_epochs = 0
        self.updates: list[TopologyUpdate] = []  # of this epoch
        self.generator = torch.Generator().manual_seed(config.seed)  # for custom components that draw with torch
        self.compiled, self.why_not_compiled = self._compile()
        self.last_accuracy = 0.0
        self.counters: dict[str, Any] = {"best_accuracy": -1.0, "best_epoch": 0, "seconds": 0.0}

    def _compile(self) -> tuple[CompiledSteps | None, str | None]:
        """Return the compiled steps, or None and, if the user may wonder, the reason why autograd is used instead."""
        if self.config.backend != CSR or self.device.type != "cpu" or not COMPILED:
            return None, None
        if self.ranks.group is not None:
            return None, "several processes share each step"
        if self.config.precision != "float32":
            return None, f"precision={self.config.precision!r} uses autocast"
        if kind_of(self.topology.method).acts_each_step:
            return None, f"method {self.config.method!r} acts at each step"
        from topolearn.compiled import CompiledSteps, why_not_compiled

        if (reason := why_not_compiled(self.model, self.optimizer)) is not None:
            return None, reason
        return CompiledSteps(self.model, self.optimizer, mean=self.mean, deviation=self.deviation), None

    def restore(self) -> None:
        """Restore the last checkpoint, the same one on all processes."""
        with agreement(self.ranks.group, lambda: {"epoch": str(self.done_epochs)}):
            self._restore()

    def _restore(self) -> None:
        evolving = self.model, self.optimizer, self.topology
        self.counters = load_checkpoint(self._checkpoint(LAST), *evolving, generator=self.generator)
        self.done_epochs = self.counters.pop("epoch")
        if (best := self._checkpoint(BEST)).is_file():
            read_checkpoint(best)  # a damaged one would be noticed only when somebody loads the model
        metrics = Run(self.path).metrics
        if "epoch" not in metrics or self.done_epochs not in metrics["epoch"].to_numpy():
            raise CorruptFileError(
                f"{self.path / 'metrics.csv'} has no row for epoch {self.done_epochs}, the epoch of the checkpoint: "
                "start the run again"
            )
        self.last_accuracy = float(metrics.loc[metrics["epoch"] == self.done_epochs, "test_accuracy"].iloc[-1])

    def run(self, recorder: Recorder, *, quiet: bool) -> Run:
        """Train the remaining epochs."""
        config = self.config
        if self.done_epochs:
            self._write_summary(recorder)
        label = f"{self.topology.method.title} on {config.dataset}"
        quiet |= not self.ranks.is_first
        if self.why_not_compiled is not None and not quiet:
            say(f"{label}: steps run with autograd, not in compiled code: {self.why_not_compiled}", stream=sys.stderr)
        total, done = config.epochs * self.steps_per_epoch, self.done_epochs * self.steps_per_epoch
        try:
            with self._draws(), Progress(label, total, done=done, quiet=quiet) as progress:
                for epoch in range(self.done_epochs + 1, config.epochs + 1):
                    row = self._epoch(epoch, recorder, progress)
                    if row:
                        progress.epoch(row, config.epochs)
        except BaseException:
            recorder.abandon()  # keeps the summary of the last checkpoint
            raise
        recorder.close()
        self.ranks.wait()
        return Run(self.path)

    @contextmanager
    def _draws(self) -> Iterator[None]:
        """Make modules that use torch's global generator, such as dropout, draw from the run's generator."""
        if all(isinstance(module, DRAWS_NOTHING) for module in self.model.modules()):
            yield
            return
        with global_generator():
            torch.default_generator.set_state(self.generator.get_state())
            self.generator = torch.default_generator
            yield

    def _epoch(self, epoch: int, recorder: Recorder, progress: Progress) -> dict[str, Any]:
        """Train, evaluate, record and save one epoch; return its metrics on rank 0, and an empty dict elsewhere."""
        start = time.perf_counter()
        train_loss, train_accuracy = self._train(epoch, progress)
        test_loss, test_accuracy = self._evaluate()
        if not np.isfinite(test_loss):
            self._stop(epoch)
        row: dict[str, Any] = {}
        if self.ranks.is_first:
            row = {"epoch": epoch, "step": epoch * self.steps_per_epoch, "lr": self.optimizer.param_groups[0]["lr"]}
            row |= {"train_loss": train_loss, "train_accuracy": train_accuracy}
            row |= {"test_loss": test_loss, "test_accuracy": test_accuracy} | self._topology_row(recorder)
            row["seconds"] = time.perf_counter() - start
            recorder.log(row)
            recorder.snapshot()
            self.counters["seconds"] += row["seconds"]
        self.updates = []
        with recorder.replacing(CHECKPOINTS, SUMMARY):
            self._save(epoch, test_accuracy)
            self.done_epochs, self.last_accuracy = epoch, test_accuracy
            self._write_summary(recorder)  # last, as it may mark the run as complete
        return row

    def _topology_row(self, recorder: Recorder) -> dict[str, Any]:
        """Return the topology columns of an epoch's metrics."""
        overlaps = [value for update in self.updates for value in update.overlap.values()]
        row = {
            **{name: value for name, value in recorder.topology.state.items() if name != "overlap"},
            "n_updates": len(self.updates),
            "overlap": float(np.mean(overlaps)) if overlaps else float("nan"),
        }
        measured = recorder.topology.measuring.latest.get(NETWORK, {})
        return row | {name: value for name, value in measured.items() if name not in row}

    def _save(self, epoch: int, test_accuracy: float) -> None:
        """Write the checkpoints of an epoch."""
        names = [LAST]
        if test_accuracy > self.counters["best_accuracy"]:
            self.counters |= {"best_accuracy": test_accuracy, "best_epoch": epoch}
            names = [BEST, LAST]
        for name in names if self.ranks.is_first else ():
            counters = {**self.counters, "epoch": epoch}
            save_checkpoint(
                self._checkpoint(name), self.model, self.optimizer, self.topology, counters, generator=self.generator
            )

    def _train(self, epoch: int, progress: Progress) -> tuple[float, float]:
        """Take the steps of one epoch, and return mean loss and accuracy over its batches."""
        seed = RandomField(self.config.seed, update=epoch, purpose="batches").integer
        order = torch.randperm(len(self.train_x), generator=torch.Generator().manual_seed(seed)).to(self.device)
        total_loss = torch.zeros((), dtype=torch.float64, device=self.device)
        n_correct = torch.zeros((), dtype=torch.int64, device=self.device)
        self.model.train()
        size, first, i = self.config.batch_size, (epoch - 1) * self.steps_per_epoch, 0
        while i < self.steps_per_epoch:
            n = self._n_compiled(self.steps_per_epoch - i)
            batch = order[i * size : (i + (n or 1)) * size]
            if n:
                taken = self._take_compiled(batch, epoch, first + i, n, progress)
                total_loss += taken.loss
                n_correct += taken.n_correct
            else:
                loss, correct = self._take_step(batch, epoch, first + i)
                total_loss += loss
                n_correct += correct
                progress.advance()
            with torch_draws_from(self.generator):
                update = self.topology.step(replayed=n)
            if update is not None:
                self.updates.append(update)
            i += n or 1
        total, right = self.ranks.sums(float(total_loss), int(n_correct), device=self.device)
        mean_loss = total / self.ranks.size / len(order)
        if not np.isfinite(mean_loss):
            self._stop(epoch)
        return mean_loss, right / len(order)

    def _n_compiled(self, n_left: int) -> int:
        """Return how many of the next steps to take in one compiled call; 0 means one step with autograd."""
        if self.compiled is None or self.compiled.why_not is not None:  # hooks may have been added since
            return 0
        return min(n_left, self.topology.n_replayable)

    def _take_compiled(self, batches: Tensor, epoch: int, step: int, n_steps: int, progress: Progress) -> StepsTaken:
        """Take some steps in compiled code."""
        assert self.compiled is not None
        rates = [self._rate(each) for each in range(step, step + n_steps)]
        self._set_learning_rate(step + n_steps - 1)
        taken = self.compiled.run(
            self.train_x, self.train_y, batches, self.config.batch_size, rates=rates, on_steps=progress.advance
        )
        if not taken.is_finite:
            self._stop(epoch, step + taken.n_steps)
        return taken

    def _take_step(self, batch: Tensor, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """Take a step with autograd, and return the summed loss and the number of correct predictions."""
        self._set_learning_rate(step)
        mine = self.ranks.share(batch)
        y = self.train_y[mine]
        logits, loss = self._forward(self.train_x.index_select(0, mine), y, n_in_batch=len(batch))
        self.optimizer.zero_grad()
        loss.backward()
        self.ranks.average_gradients(self.model.parameters())
        self.optimizer.step()
        if self.device.type == "cpu" and not np.isfinite(loss.item()):
            self._stop(epoch, step + 1)
        return loss.detach() * len(batch), (logits.argmax(dim=1) == y).sum()

    @torch.no_grad()
    def _evaluate(self) -> tuple[float, float]:
        """Return mean loss and accuracy on the test examples."""
        self.model.eval()
        total_loss, n_correct = 0.0, 0
        widest = max(self.config.hidden or (1,))
        size = max(min(EVALUATION_BATCH[self.config.backend], EVALUATION_CELLS // widest), 1)
        test_x, test_y = self.ranks.share(self.test_x), self.ranks.share(self.test_y)
        for x, y in zip(test_x.split(size), test_y.split(size), strict=True):
            if not len(y):
                continue
            logits, loss = self._forward(x, y)
            total_loss += float(loss) * len(y)
            n_correct += int((logits.argmax(dim=1) == y).sum())
        total, correct = self.ranks.sums(total_loss, n_correct, device=self.device)
        return total / len(self.test_x), correct / len(self.test_x)

    def _forward(self, x: Tensor, y: Tensor, n_in_batch: int | None = None) -> tuple[Tensor, Tensor]:
        """Return logits and mean loss; with several processes, the losses' mean over them is that of the batch."""
        x = (x.to(torch.float32) - self.mean) / self.deviation
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            logits = self.model(x)
            if n_in_batch is None or self.ranks.group is None:
                return logits, F.cross_entropy(logits, y)
            return logits, F.cross_entropy(logits, y, reduction="sum") * (self.ranks.size / n_in_batch)

    def _set_learning_rate(self, step: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(step)

    def _rate(self, step: int) -> float:
        """Return the learning rate of a step: it falls linearly, and then stays at its final value."""
        config = self.config
        decay_steps = config.lr_decay * config.epochs * self.steps_per_epoch
        passed = min(1.0, step / decay_steps) if decay_steps else 0.0
        return config.lr * (1 - (1 - config.lr_end) * passed)

    def _write_summary(self, recorder: Recorder) -> None:
        recorder.summary |= {**self.counters, "last_accuracy": self.last_accuracy, "epochs": self.done_epochs}
        recorder.write_summary(complete=self.done_epochs == self.config.epochs)

    def _stop(self, epoch: int, step: int | None = None) -> None:
        at = "" if step is None else f", at step {step}"
        raise TrainingError(
            f"the loss is not finite in epoch {epoch}{at}: lower lr={self.config.lr}; the epochs before it are kept in "
            f"{self.path}"
        )

    def _checkpoint(self, name: str) -> Path:
        return self.path / CHECKPOINTS / f"{name}.safetensors"
