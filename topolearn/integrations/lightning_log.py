"""What the loggers of a Lightning trainer are told of the topology, and what is recorded of its metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from topolearn.evolution import TopologyScheduler
from topolearn.integrations.topology_numbers import PREFIX, numbers_of
from topolearn.recording import Recorder, record


class LightningLog:
    """Tells loggers of updates, and a recorder of the metrics of epochs.

    Parameters
    ----------
    topology : TopologyScheduler
    path : path or None
        Directory of the run.
    resume : bool
        Whether a training goes on.
    """

    def __init__(self, topology: TopologyScheduler, path: str | Path | None, *, resume: bool) -> None:
        self._topology, self._n_logged = topology, topology.n_updates
        self._recorder: Recorder | None = None if path is None else record(path, topology, resume=resume)

    def note_update(self, trainer: Any) -> None:
        """Tell the loggers of the latest update, if they have not been told."""
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
