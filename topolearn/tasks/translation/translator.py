"""`Translator`: the trained model of a run, with its vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from topolearn.devices import settled_device
from topolearn.recording.run import BEST
from topolearn.tasks.checkpoints import run_of
from topolearn.tasks.translation.checkpoints import VOCABULARY
from topolearn.tasks.translation.config import TranslationConfig
from topolearn.tasks.translation.decoding import checked_sentences, translate
from topolearn.tasks.translation.vocabulary import Vocabulary


@dataclass(frozen=True)
class Translator:
    """A trained translation model, as loaded from a run by `Translator.load`.

    Attributes
    ----------
    model : transformers.M2M100ForConditionalGeneration
    vocabulary : Vocabulary
    config : TranslationConfig
    """

    model: Any
    vocabulary: Vocabulary
    config: TranslationConfig

    @classmethod
    def load(cls, run_dir: str | Path, which: str = BEST, *, device: str = "auto") -> Translator:
        """Load the translator of a run.

        Parameters
        ----------
        run_dir : path
        which : {"best", "last"}
            The checkpoint with the best validation BLEU, or the last one.
        device : str
            Device to compute on; by default CUDA if available, else the CPU.

        Raises
        ------
        MissingFileError, CorruptFileError, CheckpointError, InvalidValueError
            When there is no run of this task, no such checkpoint yet, or an unusable one.
        """
        run = run_of(run_dir, TranslationConfig, "translator")
        model = run.load_model(which).to(settled_device("device", device))
        return cls(model, Vocabulary.load(run.path / VOCABULARY), run.config)

    def __call__(
        self, sentences: Sequence[str], *, beams: int | None = None, length_penalty: float | None = None
    ) -> list[str]:
        """Return the translations of sentences, in their order; an empty line stays empty.

        Parameters
        ----------
        sentences : sequence of str
        beams, length_penalty
            By default as configured in the run; see `topolearn.tasks.translation.translate`.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            As for `topolearn.tasks.translation.translate`.
        """
        sentences = checked_sentences(sentences)
        some = [sentence for sentence in sentences if sentence]
        translated = iter(
            translate(
                self.model, self.vocabulary, some, beams=self.config.beams if beams is None else beams,
                length_penalty=self.config.length_penalty if length_penalty is None else length_penalty,
            )
        )  # fmt: skip
        return [next(translated) if sentence else "" for sentence in sentences]
