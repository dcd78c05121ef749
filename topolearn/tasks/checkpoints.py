"""The checkpoints of a run whose task trains with transformers: how to find them and load them into a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from topolearn.errors import CheckpointError, CorruptFileError, InvalidValueError, MissingFileError
from topolearn.evolution import Method
from topolearn.evolution.scheduling.state import check_cells
from topolearn.files import read_json
from topolearn.integrations.checkpoints.dense import read_state, take_links
from topolearn.read_errors import reading
from topolearn.recording import Run
from topolearn.recording.run import BEST
from topolearn.sparse import sparse_layers

CHECKPOINTS = "checkpoints"
STATE, WEIGHTS, CONFIG = "trainer_state.json", "model.safetensors", "config.json"


def checkpoint_of(run_dir: Path, which: str) -> Path:
    """Return the checkpoint "best" or "last" of a run.

    Raises
    ------
    MissingFileError
        When there is none yet.
    """
    folder = best_checkpoint(run_dir) if which == BEST else last_checkpoint(run_dir)
    if folder is None:
        raise MissingFileError(f"{run_dir / CHECKPOINTS} has no whole checkpoint yet: wait for one, or resume the run")
    return folder


def run_of(path: str | Path, kind: Any, what: str) -> Run:
    """Return a run, and check that it belongs to a task.

    Parameters
    ----------
    path : path
    kind : type
        The configuration class of the task.
    what : str
        The kind of model that its runs train, for messages.

    Raises
    ------
    MissingFileError, CorruptFileError, InvalidValueError
        When there is no run, or it belongs to another task.
    """
    run = Run(path)
    if not isinstance(run.config, kind):
        raise InvalidValueError(f"{path} is not the run of a {what}: give a run with task = {kind.task!r}")
    return run


def load_weights(model: nn.Module, folder: Path, method: Method) -> None:
    """Load the links and weights of a checkpoint into a model that is sparse as at the start of training.

    Parameters
    ----------
    model : torch.nn.Module
    folder : Path
        The checkpoint.
    method : Method

    Raises
    ------
    CorruptFileError, CheckpointError
        When the checkpoint is unusable, or belongs to another model.
    """
    with reading(folder, "a checkpoint of this model", "use another one"):
        layers, state = sparse_layers(model), read_state(folder, method)
        check_cells(state, layers)
        take_links(layers, state)
    with reading(folder / WEIGHTS, "a whole file of weights of this model", "use another checkpoint"):
        missing, unexpected = model.load_state_dict(load_file(folder / WEIGHTS), strict=False)
    if lost := [*missing, *unexpected]:
        raise CheckpointError(
            f"{folder} is not a checkpoint of this model: {', '.join(lost[:5])} are missing or unknown"
        )


def kept_in_config(folder: Path, name: str) -> str:
    """Return a value from the model configuration in a checkpoint, such as the hash of a vocabulary."""
    return str(read_json(folder / CONFIG).get(name))


def last_checkpoint(run_dir: Path) -> Path | None:
    """Return the last complete checkpoint of a run; skip one that a killed process left half written."""
    whole = [each for each in (run_dir / CHECKPOINTS).glob("checkpoint-*") if _state(each)]
    return max(whole, key=step_of, default=None)


def best_checkpoint(run_dir: Path) -> Path | None:
    """Return the checkpoint with the best validation score, according to the last checkpoint."""
    last = last_checkpoint(run_dir)
    step = None if last is None else _state(last).get("best_global_step")
    if step is not None and not isinstance(step, int):  # a string could point to a folder elsewhere
        raise CorruptFileError(f"{last}/{STATE} has best_global_step={step!r}, not a number: remove {last}")
    return last if step is None else run_dir / CHECKPOINTS / f"checkpoint-{step}"


def step_of(checkpoint: Path) -> int:
    """Return the step after which a checkpoint was written.

    Examples
    --------
    >>> step_of(Path("run/checkpoints/checkpoint-500"))
    500
    """
    return int(checkpoint.name.rpartition("-")[2])


def _state(checkpoint: Path) -> dict[str, Any]:
    """Return the state of the trainer, which is written last; empty if the file is missing or cut off."""
    try:
        return dict(json.loads((checkpoint / STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
