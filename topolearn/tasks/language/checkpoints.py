"""Loading a run's language model from a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from topolearn.recording import Run
from topolearn.tasks.checkpoints import checkpoint_of, kept_in_config, load_weights
from topolearn.tasks.language.model import HASH, build_model
from topolearn.tasks.language.tokenizer import Tokenizer

TOKENIZER = "tokenizer.json"


def load_model(run_dir: Path, which: str) -> Any:
    """Return the model of a run's checkpoint "best" or "last", on the CPU, in evaluation mode.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError
        When there is no such checkpoint, or it is unusable, or belongs to another tokenizer.
    """
    folder = checkpoint_of(run_dir, which)
    config, tokenizer = Run(run_dir).config, Tokenizer.load(run_dir / TOKENIZER)
    check_tokenizer(folder, tokenizer)
    model = build_model(config, tokenizer)
    load_weights(model, folder, config.build_method())
    return model.eval()


def check_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    """Raise if a checkpoint was trained with another tokenizer.

    Raises
    ------
    CorruptFileError, CheckpointError
    """
    tokenizer.check_hash(kept_in_config(folder, HASH), folder)
