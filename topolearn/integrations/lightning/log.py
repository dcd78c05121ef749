"""Logs the topology with the loggers of a Lightning trainer, and records its metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from topolearn.evolution import TopologyScheduler
from topolearn.integrations.recorded import record_training
from topolearn.integrations.topology_numbers import PREFIX, numbers_of
from topolearn.recording import Recorder


class LightningLog:
    """Sends updates to the loggers, and the metrics of epochs to a recorder.

    Parameters
    ----------
    topology : TopologyScheduler
    path : path or None
        Directory of the run, if it is recorded.
    resume : bool
        Whether training is resumed.
    """

    def __init__(self, topology: TopologyScheduler, path: str | Path | None, *, resume: bool) -> None:
        self._topology, self._n_logged = topology, topology.n_updates
        self._recorder: Recorder | None = None
        if path is not None:
            self._recorder = record_training(path, topology, resume=resume)

    def note_update(self, trainer: Any) -> None:
        """Log the latest update, unless it has been logged already."""
        topology = self._topology
        if topology.n_updates <= self._n_logged:
            return
        self._n_logged = topology.n_updates
        if trainer.is_global_zero and topology.layers:
            numbers = {f"{PREFIX}{name}": value for name, value in numbers_of(topology, self._recorder).items()}
            for logger in trainer.loggers:
                logger.log_metrics(numbers, step=trainer.global_step)

    def note_epoch(self, trainer: Any) -> None:
        """Record the metrics of an epoch."""
        if self._recorder is not None:
            numbers = {name: float(value) for name, value in trainer.callback_metrics.items()}
            self._recorder.log({**numbers, "epoch": trainer.current_epoch})

    def close(self, *, complete: bool) -> None:
        """End the recording, if there is one."""
        if self._recorder is not None:
            self._recorder.close(complete=complete)
        self._recorder = None
