"""`LanguageConfig`: everything that decides what a training of a language model does, as typed values."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from topolearn.devices import AUTO
from topolearn.errors import InvalidValueError
from topolearn.recording.measuring import DEFAULT
from topolearn.tasks.language.text import COLUMN
from topolearn.tasks.language.windows import WINDOWS
from topolearn.training.task_config import TaskConfig, check_counts, check_shares, check_words


@dataclass(frozen=True, kw_only=True)
class LanguageConfig(TaskConfig):
    """What language model to train, on what text, and how; the defaults are those of a small one for a CPU.

    Fields that are None are settled when training begins, and the settled values are written into the run. The
    sentence for each field is in its metadata.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        For a value of a wrong type, out of range, or a name that is not known.

    Examples
    --------
    >>> config = LanguageConfig(method="chts", density=0.3)
    >>> config.width, config.window * config.batch_windows
    (128, 2048)
    """

    task: ClassVar[str] = "language"  # whose configuration this is

    dataset: str = field(
        default="wikitext-2",
        metadata={
            "help": "wikitext-2 or tinyshakespeare; a folder with train and val (.txt, .jsonl, .parquet), or a file"
        },
    )
    data_dir: str | None = field(
        default=None, metadata={"help": "folder with the data set's files, or with a folder NAME that has them [data]"}
    )
    column: str = field(default=COLUMN, metadata={"help": "of JSON lines and Parquet files: which has the text"})
    tokenizer: str | None = field(
        default=None, metadata={"help": "a tokenizer.json, or the folder that has it [learnt from the training text]"}
    )
    vocabulary_size: int = field(
        default=2000, metadata={"help": "tokens of a tokenizer that is learnt; the most that a given one may have"}
    )
    windows: str = field(default="packed", metadata={"help": "packed, or document: one document a window"})
    window: int = field(default=256, metadata={"help": "tokens that are read at a time"})
    cache_dir: str | None = field(
        default=None, metadata={"help": "where encoded text is kept [topolearn/tokens in the user's cache]"}
    )
    method: str = field(
        default="chtss", metadata={"help": "how the topology begins and evolves; see 'topolearn methods'"}
    )
    density: float | None = field(
        default=None, metadata={"help": "share of the possible links that exist in each sparse layer [the method's]"}
    )
    overrides: dict[str, Any] = field(default_factory=dict, metadata={"help": "other values for parts of the method"})
    init: str | float | None = field(
        default=None,
        metadata={"help": "weights of sparse layers, as for sparsify [keep: as the model is drawn, from N(0, 0.02)]"},
    )
    width: int = field(default=128, metadata={"help": "width of embeddings and layers"})
    hidden: int = field(default=344, metadata={"help": "width of the hidden layer of gated feed-forward blocks"})
    layers: int = field(default=4, metadata={"help": "blocks"})
    heads: int = field(default=4, metadata={"help": "attention heads"})
    kv_heads: int | None = field(default=None, metadata={"help": "heads of keys and values [as many]"})
    dropout: float = field(default=0.0, metadata={"help": "dropout of attention"})
    steps: int = field(default=4000, metadata={"help": "steps of the optimizer"})
    batch_windows: int = field(default=8, metadata={"help": "windows of a batch"})
    accumulation: int = field(default=1, metadata={"help": "batches of a step"})
    lr: float = field(default=3e-3, metadata={"help": "learning rate at its peak, at the end of the warm-up"})
    warmup: int = field(default=400, metadata={"help": "steps over which the learning rate rises linearly"})
    final_lr: float = field(default=0.1, metadata={"help": "share of the peak to which it falls, along a cosine"})
    rewarmup: int = field(
        default=10, metadata={"help": "steps to reach the learning rate again after each topology update; 0 for none"}
    )
    beta1: float = field(default=0.9, metadata={"help": "Adam's decay of the mean of gradients"})
    beta2: float = field(default=0.999, metadata={"help": "Adam's decay of the mean of squared gradients"})
    clip: float | None = field(default=None, metadata={"help": "largest norm of all gradients [they are not clipped]"})
    update_interval: int | None = field(
        default=None, metadata={"help": "optimizer steps between topology updates [the method's, or 100]"}
    )
    evaluate_every: int = field(
        default=400, metadata={"help": "steps from one evaluation, with its checkpoint, to the next"}
    )
    patience: int | None = field(
        default=None, metadata={"help": "evaluations without a lower perplexity after which to stop [none]"}
    )
    seed: int = field(default=0, metadata={"help": "fixes topology, weights, batches and every draw"})
    device: str = field(
        default=AUTO,
        metadata={"help": "auto (CUDA, else the CPU), or a device that torch has, such as cpu or cuda"},
    )
    backend: str = field(
        default=AUTO,
        metadata={"help": "how sparse layers compute: masked, csr (links alone), or auto, by device and density"},
    )
    precision: str = field(default="float32", metadata={"help": "float32, or bf16 for autocast"})
    threads: int | None = field(
        default=None, metadata={"help": "CPU threads; part of the record, as results may depend on it [torch's]"}
    )
    history: str = field(
        default="full",
        metadata={"help": "what is kept of the topology: full (every link event), snapshots, or summary"},
    )
    measures: tuple[str, ...] = field(
        default=DEFAULT, metadata={"help": "measures of the topology to take while training; or none"}
    )
    measure_every: int = field(default=5, metadata={"help": "topology updates from one measurement to the next"})
    tensorboard: bool = field(
        default=False,
        metadata={"help": "write metrics, measures and pictures for TensorBoard, which must be installed"},
    )
    run_dir: str | None = field(
        default=None,
        metadata={"help": "directory of the run, which must not exist [runs/DATASET-METHOD-DENSITY-sSEED]"},
    )

    def build_method(self) -> Any:
        """Return the method, with what the schedule of the learning rate asks for."""
        method = super().build_method()
        warms_up = self.rewarmup > 0 and method.evolves and method.interval is None
        is_chosen = "rewarmup_steps" in self.overrides
        return method.with_overrides({"rewarmup_steps": self.rewarmup}) if warms_up and not is_chosen else method

    def _check_ranges(self) -> None:
        check_counts(
            self, "vocabulary_size", "window", "width", "hidden", "layers", "heads", "kv_heads", "steps",
            "batch_windows", "accumulation", "warmup", "evaluate_every", "patience",
        )  # fmt: skip
        check_shares(self, "dropout", "final_lr", "beta1", "beta2")
        check_words(self, windows=list(WINDOWS))
        if self.width % self.heads or self.width // self.heads % 2:
            raise InvalidValueError(f"width={self.width} must be heads={self.heads} of one even width")
        if self.heads % (self.kv_heads or self.heads):
            raise InvalidValueError(f"heads={self.heads} must be a multiple of kv_heads={self.kv_heads}")
        for name in ("lr", "clip"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise InvalidValueError(f"{name}={value} must be a positive number")
        for name in ("dropout", "beta1", "beta2"):
            if getattr(self, name) == 1:
                raise InvalidValueError(f"{name}={getattr(self, name)} must be below 1")
        if not 0 <= self.rewarmup < 2**31:
            raise InvalidValueError(f"rewarmup={self.rewarmup} must be at least 0")
