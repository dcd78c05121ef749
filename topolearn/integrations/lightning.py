"""Topology in the ``Trainer`` of Lightning: `TopologyCallback`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch.utils.hooks import RemovableHandle

from topolearn.errors import CheckpointError, InvalidTypeError
from topolearn.evolution import Method, TopologyScheduler, attach
from topolearn.evolution import method as find_method
from topolearn.evolution.plan import settle_interval
from topolearn.integrations.lightning_checks import as_callback, check_trainer, optimizer_of, total_steps
from topolearn.integrations.lightning_log import LightningLog
from topolearn.sparse import sparse_layers

__all__ = ["TopologyCallback"]


class TopologyCallback:
    """A callback of Lightning that evolves the topology of a module, from ``trainer.fit`` on.

    The links are the same as in a custom loop with the same seed and batches. Loggers of the trainer are told
    ``topology/density``, ``/overlap``, ``/removed`` and ``/active_neurons`` after each update. Checkpoints have the
    state of the topology, and weights have their links with them, so ``fit(ckpt_path=...)`` goes on as if the training
    had never stopped: bit for bit from the end of an epoch, as Lightning does not wind a loader forward.

    Averages of weights (EMA, SWA) are those of ``tl.AveragedModel(module)``, updated in a callback's
    ``on_train_batch_end``. Lightning's own callbacks for them, which would average links, are refused.

    Parameters
    ----------
    method : Method or str
        The method that the module, or a model in it, was made sparse with. ``dense`` takes a dense one.
    interval : int or None
        Optimizer steps between two updates; None for a method that demands its own.
    seed : int
        Fixes every draw.
    record : path, optional
        The directory of a run, which `topolearn.record` writes: topology, measures, and the metrics of each epoch.

    Attributes
    ----------
    topology : TopologyScheduler or None
        That of the present training, or of the last one.

    Raises
    ------
    MissingPackageError
        When lightning is not installed.
    InvalidTypeError, InvalidValueError, CheckpointError
        For a method or interval that cannot be used; and from ``trainer.fit``, when the module is not sparse by the
        method, its optimizer does not train the sparse layers, the trainer shards it (FSDP, DeepSpeed), averages its
        weights or has no end, or a checkpoint has no topology, or another one.

    Examples
    --------
    ::

        module = Classifier(tl.sparsify(model, "chts"))
        trainer = lightning.Trainer(max_epochs=20, callbacks=[TopologyCallback("chts", interval=100)])
        trainer.fit(module, loader)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> TopologyCallback:
        """Make a callback of Lightning's class, which is imported now."""
        return super().__new__(as_callback(cls))

    def __init__(
        self, method: Method | str, *, interval: int | None, seed: int = 0, record: str | Path | None = None
    ) -> None:
        self.method = find_method(method) if isinstance(method, str) else method
        if not isinstance(self.method, Method):
            raise InvalidTypeError(f"method must be a Method or the name of one, not {type(method).__name__}")
        self.interval, self.seed, self.record = settle_interval(interval, self.method), int(seed), record
        self.topology: TopologyScheduler | None = None
        self._start: Mapping[str, Any] | None = None  # the state with which the training begins, where it is known
        self._counting: RemovableHandle | None = None
        self._log: LightningLog | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        again = partial(TopologyCallback, interval=self.interval, seed=self.seed, record=self.record)
        return again, (self.method,)

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Refuse what cannot be trained, before anything is made."""
        if stage == "fit":
            check_trainer(trainer, pl_module, self.method)

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Make the scheduler; a checkpoint's weights are loaded by now, and those of the optimizer are not."""
        layers, model = sparse_layers(pl_module), trainer.model or pl_module
        goes_on = self.topology is not None and list(self.topology.layers.values()) == list(layers.values())
        state = self.topology.state_dict() if goes_on and self.topology and self._start is None else self._start
        optimizer = optimizer_of(trainer, layers)
        self.topology = TopologyScheduler(
            model, optimizer, self.method, total_steps=total_steps(trainer), interval=self.interval, seed=self.seed,
            state=state,
        )  # fmt: skip
        self._start = None
        self._counting = attach(optimizer, self.topology)
        self._log = LightningLog(self.topology, self.record, resume=state is not None)

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """Tell the loggers of an update."""
        if self._log is not None:
            self._log.note_update(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the metrics of an epoch."""
        if self._log is not None:
            self._log.note_epoch(trainer)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Count no more steps, and close the recording."""
        self._end(complete=True)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Count no more steps, and leave the recording incomplete."""
        self._end(complete=False)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint has of the topology."""
        return {} if self.topology is None else {"method": self.method.name, "state": self.topology.state_dict()}

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Mapping[str, Any]) -> None:
        """Refuse a checkpoint without a topology, or with that of another method."""
        name = checkpoint["callbacks"].get(self.state_key, {}).get("method")  # type: ignore[attr-defined]
        if name != self.method.name:
            raise CheckpointError(
                f"the checkpoint was saved {'without a TopologyCallback' if name is None else f'with {name!r}'}, and "
                f"this trainer has one with {self.method.name!r}: go on with the same, or load its weights alone"
            )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over the topology of a checkpoint; in the midst of a training at once, else when it begins."""
        self._start = state["state"]
        if self._counting is not None and self.topology is not None:
            self.topology.load_state_dict(state["state"])
            self._start = None

    def _end(self, *, complete: bool) -> None:
        if self._counting is not None:
            self._counting.remove()
        if self._log is not None:
            self._log.close(complete=complete)
        self._counting = self._log = None
