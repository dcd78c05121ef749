"""Where the checkpoints of a translator are, and how its model is read from one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from topolearn.errors import CheckpointError, MissingFileError
from topolearn.files import read_json
from topolearn.integrations.dense_checkpoint import read_state, take_links
from topolearn.recording import Run
from topolearn.recording.run import BEST
from topolearn.sparse import sparse_layers
from topolearn.tasks.translation.model import HASH, build_model
from topolearn.tasks.translation.vocabulary import Vocabulary

CHECKPOINTS, VOCABULARY = "checkpoints", "vocabulary.json"
STATE, WEIGHTS, CONFIG = "trainer_state.json", "model.safetensors", "config.json"


def load_model(run_dir: Path, which: str) -> Any:
    """Return the model of a run's checkpoint "best" or "last", on the CPU, ready to translate.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError
        When there is no such checkpoint, or it is unusable, or of another vocabulary.
    """
    folder = best_checkpoint(run_dir) if which == BEST else last_checkpoint(run_dir)
    if folder is None:
        raise MissingFileError(f"{run_dir / CHECKPOINTS} has no whole checkpoint yet: let the run go on, or resume it")
    config, vocabulary = Run(run_dir).config, Vocabulary.load(run_dir / VOCABULARY)
    check_vocabulary(folder, vocabulary)
    model = build_model(config, vocabulary)
    take_links(sparse_layers(model), read_state(folder, config.build_method()))
    missing, unexpected = model.load_state_dict(load_file(folder / WEIGHTS), strict=False)
    lost = [name for name in (*missing, *unexpected) if not _is_tied(name)]
    if lost:
        raise CheckpointError(
            f"{folder} is not a checkpoint of this model: {', '.join(lost[:5])} are missing or unknown"
        )
    return model.eval()


def check_vocabulary(folder: Path, vocabulary: Vocabulary) -> None:
    """Refuse the vocabulary of another run than that of a checkpoint.

    Raises
    ------
    CorruptFileError, CheckpointError
    """
    vocabulary.check_hash(str(read_json(folder / CONFIG).get(HASH)), folder)


def last_checkpoint(run_dir: Path) -> Path | None:
    """Return the last whole checkpoint of a run: one that a killed process left half written is passed over."""
    whole = [each for each in (run_dir / CHECKPOINTS).glob("checkpoint-*") if _state(each)]
    return max(whole, key=step_of, default=None)


def best_checkpoint(run_dir: Path) -> Path | None:
    """Return the checkpoint with the best BLEU on validation sentences, as the last one knows it."""
    last = last_checkpoint(run_dir)
    step = None if last is None else _state(last).get("best_global_step")
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
    """Return the state of the trainer, which is written last; an empty one if it is not there, or cut off."""
    try:
        return dict(json.loads((checkpoint / STATE).read_text(encoding="utf-8")))
    except (OSError, json.JSONDecodeError):
        return {}


def _is_tied(name: str) -> bool:
    """Whether a weight is that of the shared embedding, under another name."""
    return name in ("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight")
