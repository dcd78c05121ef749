"""Loading the model of a translator from a checkpoint of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from topolearn.recording import Run
from topolearn.tasks.checkpoints import checkpoint_of, kept_in_config, load_weights
from topolearn.tasks.translation.model import HASH, build_model
from topolearn.tasks.translation.vocabulary import Vocabulary

VOCABULARY = "vocabulary.json"


def load_model(run_dir: Path, which: str) -> Any:
    """Return the model of a run's checkpoint "best" or "last", on the CPU, ready to translate.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError
        When there is no such checkpoint, or it is unusable, or belongs to another vocabulary.
    """
    folder = checkpoint_of(run_dir, which)
    config, vocabulary = Run(run_dir).config, Vocabulary.load(run_dir / VOCABULARY)
    check_vocabulary(folder, vocabulary)
    model = build_model(config, vocabulary)
    load_weights(model, folder, config.build_method())
    return model.eval()


def check_vocabulary(folder: Path, vocabulary: Vocabulary) -> None:
    """Raise if a checkpoint was trained with another vocabulary.

    Raises
    ------
    CorruptFileError, CheckpointError
    """
    vocabulary.check_hash(kept_in_config(folder, HASH), folder)
