"""`LanguageConfig`: everything that determines how a language model is trained, as typed values."""

from dataclasses import dataclass, field
from typing import ClassVar

from topolearn.declared import documented
from topolearn.errors import InvalidValueError
from topolearn.sparse import has_links_alone
from topolearn.tasks.language.text import COLUMN
from topolearn.tasks.language.windows import WINDOWS
from topolearn.tasks.step_config import StepConfig
from topolearn.training.task_config import check_counts, check_shares, check_words

BF16_TRUE = "bf16-true"  # parameters, gradients and Adam's state, without a copy in float32


@documented
@dataclass(frozen=True, kw_only=True)
class LanguageConfig(StepConfig):
    """Which language model to train, on which text, and how; the defaults give a small model for a CPU.

    Fields that are None are settled when training begins, and the settled values are written into the run.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        For a value of the wrong type or out of range, or an unknown name.

    Examples
    --------
    >>> config = LanguageConfig(method="chts", density=0.3)
    >>> config.width, config.window * config.batch_windows
    (128, 2048)
    """

    task: ClassVar[str] = "language"
    precisions: ClassVar[tuple[str, ...]] = (*StepConfig.precisions, BF16_TRUE)

    dataset: str = field(
        default="wikitext-2",
        metadata={
            "help": "wikitext-2 or tinyshakespeare; a folder with train and val (.txt, .jsonl, .parquet); a file; or "
            "owner/name[:configuration] on the Hugging Face hub"
        },
    )
    column: str = field(default=COLUMN, metadata={"help": "column that holds the text in JSON lines and Parquet files"})
    tokenizer: str | None = field(
        default=None,
        metadata={"help": "a tokenizer.json, or a folder that contains one [learned from the training text]"},
    )
    vocabulary_size: int = field(
        default=2000, metadata={"help": "number of tokens to learn; the maximum if a tokenizer is given"}
    )
    windows: str = field(default="packed", metadata={"help": "packed, or document (one document per window)"})
    window: int = field(default=256, metadata={"help": "tokens per window"})
    cache_dir: str | None = field(
        default=None,
        metadata={"help": "cache for encoded text and text from the hub [topolearn/tokens in the user's cache]"},
    )
    width: int = field(default=128, metadata={"help": "width of embeddings and layers"})
    hidden: int = field(default=344, metadata={"help": "width of the hidden layer of gated feed-forward blocks"})
    layers: int = field(default=4, metadata={"help": "blocks"})
    kv_heads: int | None = field(
        default=None, metadata={"help": "heads of keys and values [as many as attention heads]"}
    )
    dropout: float = field(default=0.0, metadata={"help": "dropout of attention"})
    steps: int = field(default=4000, metadata={"help": "optimizer steps"})
    batch_windows: int = field(default=8, metadata={"help": "windows per batch"})
    lr: float = field(default=3e-3, metadata={"help": "learning rate at its peak, at the end of the warm-up"})
    final_lr: float = field(
        default=0.1, metadata={"help": "share of the peak learning rate at the end of a cosine decay"}
    )
    rewarmup: int = field(
        default=10, metadata={"help": "warm-up steps of the learning rate after each topology update; 0 for none"}
    )
    beta2: float = field(default=0.999, metadata={"help": "Adam's decay rate for the mean of squared gradients"})
    evaluate_every: int = field(default=400, metadata={"help": "steps between evaluations, each with a checkpoint"})

    precision: str = field(
        default="float32", metadata={"help": "float32, bf16 (autocast), or bf16-true (weights and Adam's state, too)"}
    )

    @property
    def _rewarmup_steps(self) -> int:
        return self.rewarmup

    def _rewarmup_in_words(self, n_steps: int) -> tuple[str, str]:
        if "rewarmup_steps" in self.overrides:
            return super()._rewarmup_in_words(n_steps)
        return f"rewarmup={n_steps} must be less", "shorten the warm-up"

    def _check_ranges(self) -> None:
        super()._check_ranges()
        check_counts(self, "vocabulary_size", "window", "width", "hidden", "layers", "kv_heads", "batch_windows")
        check_shares(self, "final_lr")
        check_words(self, windows=list(WINDOWS))
        if self.width % self.heads or self.width // self.heads % 2:
            raise InvalidValueError(
                f"width={self.width} must be a multiple of heads={self.heads}, with an even width per head"
            )
        if self.precision == BF16_TRUE and has_links_alone(self.backend):
            raise InvalidValueError(
                f"precision={self.precision!r} is for masked layers, not for backend={self.backend!r}: omit backend"
            )
        if self.heads % (self.kv_heads or self.heads):
            raise InvalidValueError(f"heads={self.heads} must be a multiple of kv_heads={self.kv_heads}")
        if not 0 <= self.rewarmup < 2**31:
            raise InvalidValueError(f"rewarmup={self.rewarmup} must be at least 0")
