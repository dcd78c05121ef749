"""`LanguageModel`: the trained model of a run, with its tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from topolearn.devices import settled_device
from topolearn.recording.run import BEST
from topolearn.tasks.checkpoints import run_of
from topolearn.tasks.language.checkpoints import TOKENIZER
from topolearn.tasks.language.config import LanguageConfig
from topolearn.tasks.language.sampling import sample
from topolearn.tasks.language.tokenizer import Tokenizer


@dataclass(frozen=True)
class LanguageModel:
    """A trained language model, as loaded from a run by `LanguageModel.load`.

    Attributes
    ----------
    model : transformers.LlamaForCausalLM
    tokenizer : Tokenizer
    config : LanguageConfig
    """

    model: Any
    tokenizer: Tokenizer
    config: LanguageConfig

    @classmethod
    def load(cls, run_dir: str | Path, which: str = BEST, *, device: str = "auto") -> LanguageModel:
        """Load the language model of a run.

        Parameters
        ----------
        run_dir : path
        which : {"best", "last"}
            The checkpoint with the best validation perplexity, or the last one.
        device : str
            Device to compute on; by default CUDA if available, else the CPU.

        Raises
        ------
        MissingFileError, CorruptFileError, CheckpointError, InvalidValueError
            When there is no run of this task, no such checkpoint yet, or an unusable one.
        """
        run = run_of(run_dir, LanguageConfig, "language model")
        model = run.load_model(which).to(settled_device("device", device))
        return cls(model, Tokenizer.load(run.path / TOKENIZER), run.config)

    def sample(self, prompt: str = "", **options: Any) -> str:
        """Return the text that follows a prompt; the options are those of `topolearn.tasks.language.sample`."""
        return sample(self.model, self.tokenizer, prompt, **options)
