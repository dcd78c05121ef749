"""`TranslationConfig`: everything that decides what a training of a translator does, as typed values."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from topolearn.devices import AUTO
from topolearn.errors import InvalidValueError
from topolearn.evolution.initial_weights import KEEP, as_init
from topolearn.recording.measuring import DEFAULT
from topolearn.tasks.translation.learning import VOCABULARIES
from topolearn.training.task_config import TaskConfig, check_counts, check_shares, check_words

SCHEDULES = ("noam", "inoam")
TOO_LONG = ("error", "drop")
REWARMUP = 20  # steps that inoam takes after each update to reach the learning rate again


@dataclass(frozen=True, kw_only=True)
class TranslationConfig(TaskConfig):
    """What translator to train, on what text, and how; the defaults are those of a small one for a CPU.

    Fields that are None are settled when training begins, and the settled values are written into the run. The
    sentence for each field is in its metadata.

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
    data_dir: str | None = field(
        default=None, metadata={"help": "folder with the data set's files, or with a folder NAME that has them [data]"}
    )
    source: str = field(default="en", metadata={"help": "language that is translated, as files are called"})
    target: str = field(default="de", metadata={"help": "language into which it is translated"})
    max_pairs: int | None = field(default=None, metadata={"help": "pairs of sentences to train on, the first [all]"})
    vocabulary: str = field(default="bpe", metadata={"help": "bpe (joint pieces of words), or word"})
    vocabulary_size: int = field(default=4000, metadata={"help": "pieces, or words of both languages, at most"})
    too_long: str = field(
        default="error", metadata={"help": "what to do with a pair that is longer than a batch: error, or drop"}
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
        metadata={"help": "weights of sparse layers, as for sparsify [keep: as the model is drawn, by Xavier]"},
    )
    gain: float = field(
        default=1.0, metadata={"help": "by what Xavier's bound is multiplied for layers that are, or would be, sparse"}
    )
    width: int = field(default=256, metadata={"help": "width of embeddings and layers"})
    heads: int = field(default=4, metadata={"help": "attention heads"})
    feed_forward: int = field(default=512, metadata={"help": "width of the hidden layer of feed-forward blocks"})
    encoder_layers: int = field(default=3, metadata={"help": "blocks of the encoder"})
    decoder_layers: int = field(default=3, metadata={"help": "blocks of the decoder"})
    dropout: float = field(default=0.1, metadata={"help": "dropout, of attention and activations too"})
    steps: int = field(default=5000, metadata={"help": "steps of the optimizer"})
    batch_tokens: int = field(default=1024, metadata={"help": "tokens of a batch, padded, of the longer side"})
    accumulation: int = field(default=1, metadata={"help": "batches of a step"})
    lr: float = field(default=1e-3, metadata={"help": "learning rate at its peak, at the end of the warm-up"})
    warmup: int = field(default=400, metadata={"help": "steps over which the learning rate rises linearly"})
    schedule: str = field(
        default="inoam",
        metadata={"help": "noam (warm-up, then inverse square root), or inoam (and 20 steps after each update, too)"},
    )
    beta1: float = field(default=0.9, metadata={"help": "Adam's decay of the mean of gradients"})
    beta2: float = field(default=0.998, metadata={"help": "Adam's decay of the mean of squared gradients"})
    label_smoothing: float = field(default=0.1, metadata={"help": "share of the probability spread over all tokens"})
    clip: float | None = field(default=None, metadata={"help": "largest norm of all gradients [they are not clipped]"})
    update_interval: int | None = field(
        default=None, metadata={"help": "optimizer steps between topology updates [the method's, or 100]"}
    )
    evaluate_every: int = field(
        default=500, metadata={"help": "steps from one evaluation, with its checkpoint, to the next"}
    )
    validation_sentences: int = field(
        default=200, metadata={"help": "sentences that are translated at an evaluation; the perplexity is of all"}
    )
    patience: int | None = field(
        default=None, metadata={"help": "evaluations without a better BLEU after which to stop [none]"}
    )
    beams: int = field(default=2, metadata={"help": "beams of the search"})
    length_penalty: float = field(default=1.0, metadata={"help": "a score is log p / length ** penalty"})
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
        warms_up = self.schedule == "inoam" and method.evolves and method.interval is None
        is_chosen = "rewarmup_steps" in self.overrides
        return method.with_overrides({"rewarmup_steps": REWARMUP}) if warms_up and not is_chosen else method

    def _check_ranges(self) -> None:
        check_counts(
            self, "max_pairs", "vocabulary_size", "width", "heads", "feed_forward", "encoder_layers", "decoder_layers",
            "steps", "batch_tokens", "accumulation", "warmup", "evaluate_every", "validation_sentences", "patience",
            "beams",
        )  # fmt: skip
        check_shares(self, "dropout", "beta1", "beta2", "label_smoothing")
        check_words(self, vocabulary=list(VOCABULARIES), schedule=SCHEDULES, too_long=TOO_LONG)
        if self.width % self.heads:
            raise InvalidValueError(f"width={self.width} must be a multiple of heads={self.heads}")
        if self.width % 2:
            raise InvalidValueError(f"width={self.width} must be even, for sines and cosines of positions")
        if self.source == self.target:
            raise InvalidValueError(f"source={self.source!r} and target must be two languages")
        for name in ("lr", "gain", "clip"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise InvalidValueError(f"{name}={value} must be a positive number")
        for name in ("dropout", "beta1", "beta2"):
            if getattr(self, name) == 1:
                raise InvalidValueError(f"{name}={getattr(self, name)} must be below 1")
        self._check_init()
        if not -10 <= self.length_penalty <= 10:
            raise InvalidValueError(f"length_penalty={self.length_penalty} must lie in [-10, 10]")

    def _check_init(self) -> None:
        """Refuse initial weights that nothing would use."""
        is_kept = self.init is None or as_init(self.init).name == KEEP
        if not is_kept and super().build_method().is_dense:
            raise InvalidValueError(
                f"init={self.init!r} is for sparse layers, and method {self.method!r} has none: leave it out, and "
                "scale the weights by gain"
            )
        if not is_kept and self.gain != 1:
            raise InvalidValueError(
                f"gain={self.gain} scales the weights that are kept, and init={self.init!r} draws others: leave one out"
            )
