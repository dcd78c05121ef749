"""`TranslationConfig`: everything that decides what a training of a translator does, as typed values."""

from dataclasses import dataclass, field
from typing import ClassVar

from topolearn.declared import documented
from topolearn.errors import InvalidValueError
from topolearn.tasks.step_config import StepConfig
from topolearn.tasks.translation.learning import VOCABULARIES
from topolearn.training.task_config import check_counts, check_shares, check_words

SCHEDULES = ("noam", "inoam")
TOO_LONG = ("error", "drop")
REWARMUP = 20  # steps that inoam takes after each update to reach the learning rate again


@documented
@dataclass(frozen=True, kw_only=True)
class TranslationConfig(StepConfig):
    """What translator to train, on what text, and how; the defaults are those of a small one for a CPU.

    Fields that are None are settled when training begins, and the settled values are written into the run.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        For a value of a wrong type, out of range, or a name that is not known.

    Examples
    --------
    >>> config = TranslationConfig(method="chtss", density=0.1)
    >>> config.build_method().rewarmup_steps, config.width
    (20, 256)
    """

    task: ClassVar[str] = "translation"  # whose configuration this is

    dataset: str = field(
        default="multi30k",
        metadata={
            "help": "multi30k, or a folder with train, val and test as aligned files, such as train.en, train.de"
        },
    )
    source: str = field(default="en", metadata={"help": "language that is translated, as files are called"})
    target: str = field(default="de", metadata={"help": "language into which it is translated"})
    max_pairs: int | None = field(default=None, metadata={"help": "pairs of sentences to train on, the first [all]"})
    vocabulary: str = field(default="bpe", metadata={"help": "bpe (joint pieces of words), or word"})
    vocabulary_size: int = field(default=4000, metadata={"help": "pieces, or words of both languages, at most"})
    too_long: str = field(
        default="error", metadata={"help": "what to do with a pair that is longer than a batch: error, or drop"}
    )
    gain: float = field(
        default=1.0, metadata={"help": "by what Xavier's bound is multiplied for layers that are, or would be, sparse"}
    )
    width: int = field(default=256, metadata={"help": "width of embeddings and layers"})
    feed_forward: int = field(default=512, metadata={"help": "width of the hidden layer of feed-forward blocks"})
    encoder_layers: int = field(default=3, metadata={"help": "blocks of the encoder"})
    decoder_layers: int = field(default=3, metadata={"help": "blocks of the decoder"})
    dropout: float = field(default=0.1, metadata={"help": "dropout, of attention and activations too"})
    steps: int = field(default=5000, metadata={"help": "steps of the optimizer"})
    batch_tokens: int = field(default=1024, metadata={"help": "tokens of a batch, padded, of the longer side"})
    lr: float = field(default=1e-3, metadata={"help": "learning rate at its peak, at the end of the warm-up"})
    schedule: str = field(
        default="inoam",
        metadata={"help": "noam (warm-up, then inverse square root), or inoam (and 20 steps after each update, too)"},
    )
    beta2: float = field(default=0.998, metadata={"help": "Adam's decay of the mean of squared gradients"})
    label_smoothing: float = field(default=0.1, metadata={"help": "share of the probability spread over all tokens"})
    evaluate_every: int = field(
        default=500, metadata={"help": "steps from one evaluation, with its checkpoint, to the next"}
    )
    validation_sentences: int = field(
        default=200, metadata={"help": "sentences that are translated at an evaluation; the perplexity is of all"}
    )
    beams: int = field(default=2, metadata={"help": "beams of the search"})
    length_penalty: float = field(default=1.0, metadata={"help": "a score is log p / length ** penalty"})

    @property
    def _rewarmup_steps(self) -> int:
        return REWARMUP if self.schedule == "inoam" else 0

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
            raise InvalidValueError(f"width={self.width} must be even, for sines and cosines of positions")
        if self.source == self.target:
            raise InvalidValueError(f"source={self.source!r} and target must be two languages")
        if not self._keeps_weights and self.gain != 1:
            raise InvalidValueError(
                f"gain={self.gain} scales the weights that are kept, and init={self.init!r} draws others: leave one out"
            )
        if not -10 <= self.length_penalty <= 10:
            raise InvalidValueError(f"length_penalty={self.length_penalty} must lie in [-10, 10]")
