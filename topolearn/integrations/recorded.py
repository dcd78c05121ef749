"""Recording a training by a foreign trainer, which continues runs by its own checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from topolearn.errors import ExistingFileError
from topolearn.evolution import TopologyScheduler
from topolearn.recording import Recorder, record


def record_training(path: str | Path, topology: TopologyScheduler, *, resume: bool, config: Any = None) -> Recorder:
    """Record a training into a new directory, or continue the recording in it.

    Raises
    ------
    ExistingFileError
        When the directory exists, and the training is not resumed.
    TopolearnError
        As `topolearn.record`.
    """
    try:
        return record(path, topology, config=config, resume=resume)
    except ExistingFileError:
        raise ExistingFileError(
            f"record={str(path)!r} already exists: remove it, choose another directory, or continue its training by "
            "resuming from a checkpoint of the trainer"
        ) from None
