"""`TranslationConfig`: everything that determines how a translator is trained, as typed values."""

from dataclasses import dataclass, field
from typing import ClassVar

from topolearn.declared import documented
from topolearn.errors import InvalidValueError
from topolearn.tasks.step_config import StepConfig
from topolearn.tasks.translation.decoding import check_length_penalty
from topolearn.tasks.translation.learning import VOCABULARIES
from topolearn.training.task_config import check_counts, check_shares, check_words

SCHEDULES = ("noam", "inoam")
TOO_LONG = ("error", "drop")
REWARMUP = 20  # warm-up steps of inoam after each update


@documented
@dataclass(frozen=True, kw_only=True)
class TranslationConfig(StepConfig):
    """Which translator to train, on which text, and how; the defaults give a small model for a CPU.

    Fields that are None are settled when training begins, and the settled values are written into the run.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        For a value of the wrong type or out of range, or an unknown name.

    Examples
    --------
    >>> config = TranslationConfig(method="chtss", density=0.1)
    >>> config.build_method().rewarmup_steps, config.width
    (20, 256)
    """

    task: ClassVar[str] = "translation"

    dataset: str = field(
        default="multi30k",
        metadata={
            "help": "multi30k, or a folder with train, val and test as aligned files, such as train.en, train.de"
        },
    )
    source: str = field(default="en", metadata={"help": "source language, as in the names of the files"})
    target: str = field(default="de", metadata={"help": "target language, as in the names of the files"})
    max_pairs: int | None = field(
        default=None, metadata={"help": "train on this many pairs only, the first ones [all]"}
    )
    vocabulary: str = field(default="bpe", metadata={"help": "bpe (subwords of both languages), or word"})
    vocabulary_size: int = field(
        default=4000, metadata={"help": "maximum number of subwords or words of both languages"}
    )
    too_long: str = field(
        default="error", metadata={"help": "what to do with pairs that are longer than a batch: error, or drop"}
    )
    gain: float = field(
        default=1.0,
        metadata={"help": "factor of Xavier's bound for layers that a method can make sparse"},
    )
    width: int = field(default=256, metadata={"help": "width of embeddings and layers"})
    feed_forward: int = field(default=512, metadata={"help": "width of the hidden layer of feed-forward blocks"})
    encoder_layers: int = field(default=3, metadata={"help": "blocks of the encoder"})
    decoder_layers: int = field(default=3, metadata={"help": "blocks of the decoder"})
    dropout: float = field(default=0.1, metadata={"help": "dropout, including that of attention and activations"})
    steps: int = field(default=5000, metadata={"help": "optimizer steps"})
    batch_tokens: int = field(default=1024, metadata={"help": "tokens per batch on the longer side, including padding"})
    lr: float = field(default=1e-3, metadata={"help": "learning rate at its peak, at the end of the warm-up"})
    schedule: str = field(
        default="inoam",
        metadata={
            "help": "noam (warm-up, then inverse square root), or inoam (plus a 20-step warm-up after each update)"
        },
    )
    beta2: float = field(default=0.998, metadata={"help": "Adam's decay rate for the mean of squared gradients"})
    label_smoothing: float = field(
        default=0.1, metadata={"help": "share of the probability that is spread over all tokens"}
    )
    evaluate_every: int = field(default=500, metadata={"help": "steps between evaluations, each with a checkpoint"})
    validation_sentences: int = field(
        default=200, metadata={"help": "sentences translated per evaluation; the perplexity uses all pairs"}
    )
    beams: int = field(default=2, metadata={"help": "beam width"})
    length_penalty: float = field(default=1.0, metadata={"help": "hypotheses are scored by log p / length ** penalty"})

    @property
    def _rewarmup_steps(self) -> int:
        return REWARMUP if self.schedule == "inoam" else 0

    def _rewarmup_in_words(self, n_steps: int) -> tuple[str, str]:
        if "rewarmup_steps" in self.overrides:
            return super()._rewarmup_in_words(n_steps)
        return f"the {n_steps} warm-up steps of schedule={self.schedule!r} must be fewer", "choose schedule='noam'"

    def _check_ranges(self) -> None:
        super()._check_ranges()
        check_counts(
            self, "max_pairs", "vocabulary_size", "width", "feed_forward", "encoder_layers", "decoder_layers",
            "batch_tokens", "validation_sentences", "beams",
        )  # fmt: skip
        check_shares(self, "label_smoothing")
        self._check_positive("gain")
        check_words(self, vocabulary=list(VOCABULARIES), schedule=SCHEDULES, too_long=TOO_LONG)
        if self.width % self.heads:
            raise InvalidValueError(f"width={self.width} must be a multiple of heads={self.heads}")
        if self.width % 2:
            raise InvalidValueError(f"width={self.width} must be even, for the sines and cosines of positions")
        if self.source == self.target:
            raise InvalidValueError(f"source={self.source!r} and target must be two different languages")
        if not self._keeps_weights and self.gain != 1:
            raise InvalidValueError(
                f"gain={self.gain} scales the weights that are kept, but init={self.init!r} replaces them: omit one"
            )
        check_length_penalty(self.length_penalty)
