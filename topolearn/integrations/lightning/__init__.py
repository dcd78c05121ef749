"""Topology in the Lightning ``Trainer``: `TopologyCallback`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch.utils.hooks import RemovableHandle

from topolearn.checks import check_seed, check_size
from topolearn.errors import CheckpointError, InvalidTypeError
from topolearn.evolution import Method, TopologyScheduler, attach
from topolearn.evolution import method as find_method
from topolearn.evolution.plan import settle_interval
from topolearn.integrations.lightning.checks import (
    as_callback,
    check_trainer,
    optimizer_of,
    total_steps,
    warn_of_other_length,
)
from topolearn.integrations.lightning.log import LightningLog
from topolearn.sparse import SparseLinear, sparse_layers

__all__ = ["TopologyCallback"]


class TopologyCallback:
    """A Lightning callback that evolves the topology of a module during ``trainer.fit``.

    The links are the same as in a custom loop with the same seed and batches. After each update,
    ``topology/density``, ``/overlap``, ``/removed`` and ``/active_neurons`` are sent to the trainer's loggers.
    Checkpoints contain the state of the topology, and weights are saved with their links, so ``fit(ckpt_path=...)``
    continues as if training had never stopped: bit for bit from the end of an epoch, as Lightning does not fast-forward
    a loader.

    For averages of weights (EMA, SWA), use ``tl.AveragedModel(module)``, updated in a callback's
    ``on_train_batch_end``. Lightning's own callbacks for this are rejected, as they would average over moving links.

    Parameters
    ----------
    method : Method or str
        The method that the module, or a model in it, was made sparse with; ``dense`` for a dense module.
    interval : int or None
        Optimizer steps between updates; None for a method that demands its own interval.
    seed : int
        Seed of all random draws.
    record : path, optional
        Directory of a run to write with `topolearn.record`: topology, measures, and the metrics of each epoch.
    total_steps : int, optional
        Length of the training, in steps of the optimizer that trains the sparse layers; needed only with manual
        optimization, whose number of steps the trainer does not know.

    Attributes
    ----------
    topology : TopologyScheduler or None
        The scheduler of the current training, or of the last one.

    Raises
    ------
    MissingPackageError
        When lightning is not installed.
    InvalidTypeError, InvalidValueError, CheckpointError
        For an invalid method or interval. Also from ``trainer.fit``: when the module was not made sparse with the
        method, its optimizer does not train the sparse layers, the trainer shards it (FSDP, DeepSpeed), averages its
        weights or has an unknown number of steps, or a checkpoint has no topology or that of another method.

    Examples
    --------
    ::

        module = Classifier(tl.sparsify(model, "chts"))
        trainer = lightning.Trainer(max_epochs=20, callbacks=[TopologyCallback("chts", interval=100)])
        trainer.fit(module, loader)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> TopologyCallback:
        """Create a subclass of Lightning's callback class, which is only imported now."""
        return super().__new__(as_callback(cls))

    def __init__(
        self, method: Method | str, *, interval: int | None, seed: int = 0, record: str | Path | None = None,
        total_steps: int | None = None,
    ) -> None:  # fmt: skip
        self.method = find_method(method) if isinstance(method, str) else method
        if not isinstance(self.method, Method):
            raise InvalidTypeError(f"method must be a Method or the name of one, not {type(method).__name__}")
        self.interval, self.seed, self.record = settle_interval(interval, self.method), check_seed(seed), record
        self.total_steps = None if total_steps is None else check_size("total_steps", total_steps)
        self.topology: TopologyScheduler | None = None
        self._start: Mapping[str, Any] | None = None  # the state to begin training with, if known
        self._n_before = 0  # steps that were counted with earlier trainers
        self._counting: RemovableHandle | None = None
        self._log: LightningLog | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        again = partial(
            TopologyCallback, interval=self.interval, seed=self.seed, record=self.record, total_steps=self.total_steps
        )
        return again, (self.method,)

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Raise before anything is created if the module cannot be trained."""
        if stage == "fit":
            check_trainer(trainer, pl_module, self.method, self.total_steps)

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Create the scheduler; a checkpoint's weights are loaded by now, but its optimizer state is not."""
        layers, model = sparse_layers(pl_module), trainer.model or pl_module
        state, optimizer = self._start, optimizer_of(trainer, layers)
        if state is None:
            former = self._former(layers)
            state = None if former is None else former.state_dict()
            if trainer.global_step == 0:  # a new trainer
                self._n_before = 0 if former is None else former.n_steps
        self.topology = TopologyScheduler(
            model, optimizer, self.method, total_steps=self.total_steps or self._n_before + total_steps(trainer),
            interval=self.interval, seed=self.seed, state=state,
        )  # fmt: skip
        self._start = None
        self._counting = attach(optimizer, self.topology)
        self._log = LightningLog(self.topology, self.record, resume=state is not None)

    def _former(self, layers: Mapping[str, SparseLinear]) -> TopologyScheduler | None:
        """Return the scheduler of an earlier training of the same layers, if there was one."""
        former = self.topology
        return former if former is not None and list(former.layers.values()) == list(layers.values()) else None

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """Log an update."""
        if self._log is not None:
            self._log.note_update(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the metrics of an epoch."""
        if self._log is not None:
            self._log.note_epoch(trainer)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Stop counting steps, and close the recording."""
        if self.topology is not None and not trainer.should_stop:
            warn_of_other_length(self.topology)
        self._end(complete=True)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Stop counting steps, and close the recording as incomplete."""
        self._end(complete=False)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the topology for a checkpoint; before the training begins, there may be none."""
        state = self._start
        if state is None and self.topology is not None:
            state = self.topology.state_dict()
        return {"method": self.method.name, "state": state, "n_before": self._n_before}

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Mapping[str, Any]) -> None:
        """Raise for a checkpoint without a topology, or with that of another method."""
        name = checkpoint["callbacks"].get(self.state_key, {}).get("method")  # type: ignore[attr-defined]
        if name != self.method.name:
            raise CheckpointError(
                f"the checkpoint was saved {'without a TopologyCallback' if name is None else f'with {name!r}'}, and "
                f"this trainer has one with {self.method.name!r}: continue with the same one, or load only its weights"
            )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load the topology of a checkpoint: at once during training, otherwise when training begins."""
        self._start, self._n_before = state["state"], state.get("n_before", 0)
        if self._start is None:  # saved before a training, as by the learning rate finder: start again
            self._end(complete=False)
            self.topology = None
        elif self._counting is not None and self.topology is not None:
            self.topology.load_state_dict(self._start)
            self._start = None

    def _end(self, *, complete: bool) -> None:
        if self._counting is not None:
            self._counting.remove()
        if self._log is not None:
            self._log.close(complete=complete)
        self._counting = self._log = None
