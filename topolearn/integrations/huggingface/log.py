"""Logs the topology with a Hugging Face trainer, and records what the trainer logs."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from topolearn.evolution import TopologyScheduler
from topolearn.integrations.recorded import record_training
from topolearn.integrations.topology_numbers import PREFIX, numbers_of
from topolearn.recording import Recorder


class TrainerLog:
    """Lets a trainer log the topology, and a recorder record what the trainer logs.

    Parameters
    ----------
    trainer : transformers.Trainer
    path : Path or None
        Directory of the run, if it is recorded.
    """

    def __init__(self, trainer: Any, path: Path | None) -> None:
        self._trainer, self._path = trainer, path
        self._recorder: Recorder | None = None
        self._n_logged = 0

    def begin(self, topology: TopologyScheduler, *, resume: bool) -> None:
        """Start to record, and log the topology at the start of training."""
        self._n_logged = topology.n_updates
        self._recorder = self.open(topology, resume=resume)
        if topology.n_steps == 0:
            self._log(topology)

    def open(self, topology: TopologyScheduler, *, resume: bool) -> Recorder | None:
        """Return the recorder of the training, if a directory was given."""
        if self._path is None:
            return None
        config = self._trainer.args.to_sanitized_dict()
        return record_training(self._path, topology, resume=resume, config=config)

    def log_update(self, topology: TopologyScheduler, control: Any) -> None:
        """Log the latest update, if it has not been logged."""
        if topology.n_updates > self._n_logged:
            self._n_logged = topology.n_updates
            should_log = control.should_log  # logging by hand resets it
            self._log(topology)
            control.should_log = should_log

    def note(self, logs: Mapping[str, Any]) -> None:
        """Record numbers that the trainer logs."""
        if self._recorder is None or any(name.startswith(PREFIX) for name in logs):
            return
        numbers = {name: value for name, value in logs.items() if isinstance(value, Real)}
        if numbers:
            self._recorder.log(numbers)

    def close(self, *, complete: bool) -> None:
        """End the recording, if there is one."""
        if self._recorder is not None:
            self._recorder.close(complete=complete)
        self._recorder = None

    def _log(self, topology: TopologyScheduler) -> None:
        if topology.layers and self._trainer.is_world_process_zero():
            numbers = numbers_of(topology, self._recorder)
            self._trainer.log({f"{PREFIX}{name}": value for name, value in numbers.items()})
