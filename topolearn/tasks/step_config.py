"""`StepConfig`: the fields shared by all tasks that train Transformers step by step."""

from dataclasses import dataclass, field
from typing import ClassVar

from topolearn.defaults import AUTO
from topolearn.errors import InvalidValueError
from topolearn.evolution import Method
from topolearn.evolution.starting.initial_weights import KEEP, as_init
from topolearn.training.options import SharedOptions
from topolearn.training.task_config import TaskConfig, check_counts, check_shares

INTERVAL = 100  # steps between updates, unless the method demands another interval


@dataclass(frozen=True, kw_only=True)
class StepConfig(SharedOptions, TaskConfig):
    """Base class of configurations whose training counts optimizer steps; each task adds its own fields.

    Each task also has ``steps``, ``lr``, ``beta2``, ``dropout`` and ``evaluate_every``, with its own defaults.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        For a value of the wrong type or out of range, or an unknown name.
    """

    default_interval: ClassVar[int | None] = INTERVAL

    method: str = field(
        default="chtss", metadata={"help": "how the topology begins and evolves; see 'topolearn methods'"}
    )
    init: str | float | None = field(
        default=None,
        metadata={"help": "initial weights of sparse layers, as for sparsify [keep: those of the new model]"},
    )
    heads: int = field(default=4, metadata={"help": "attention heads"})
    accumulation: int = field(default=1, metadata={"help": "batches per optimizer step"})
    warmup: int = field(default=400, metadata={"help": "steps over which the learning rate rises linearly"})
    beta1: float = field(default=0.9, metadata={"help": "Adam's decay rate for the mean of gradients"})
    clip: float | None = field(default=None, metadata={"help": "maximum norm of all gradients together [no clipping]"})
    update_interval: int | None = field(
        default=None, metadata={"help": "optimizer steps between topology updates [the method's, or 100]"}
    )
    patience: int | None = field(
        default=None,
        metadata={"help": "evaluations without a better score after which training stops [never stop early]"},
    )
    device: str = field(
        default=AUTO,
        metadata={"help": "auto (CUDA, else the CPU), or a torch device such as cpu or cuda"},
    )
    threads: int | None = field(
        default=None, metadata={"help": "CPU threads; part of the record, as results may depend on it [torch's]"}
    )
    history: str = field(
        default="full",
        metadata={"help": "what is kept of the topology: full (every link event), snapshots, or summary"},
    )
    measure_every: int = field(default=5, metadata={"help": "topology updates from one measurement to the next"})

    def build_method(self) -> Method:
        """Return the method, with the learning-rate warm-up after each update that the schedule asks for."""
        method, steps = super().build_method(), self._rewarmup_steps
        warms_up = steps > 0 and method.evolves and method.interval is None
        is_chosen = "rewarmup_steps" in self.overrides
        return method.with_overrides({"rewarmup_steps": steps}) if warms_up and not is_chosen else method

    @property
    def _rewarmup_steps(self) -> int:
        """Steps over which the learning rate rises again after an update; 0 for none."""
        raise NotImplementedError

    def _check_ranges(self) -> None:
        check_counts(self, "steps", "heads", "accumulation", "warmup", "evaluate_every", "patience")
        check_shares(self, "dropout", "beta1", "beta2")
        for name in ("dropout", "beta1", "beta2"):
            if getattr(self, name) == 1:
                raise InvalidValueError(f"{name}={getattr(self, name)} must be below 1")
        self._check_positive("lr", "clip")
        if not self._keeps_weights and self.build_method().is_dense:
            raise InvalidValueError(
                f"init={self.init!r} is for sparse layers, and method {self.method!r} has none: omit it"
            )

    def _check_positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise InvalidValueError(f"{name}={value} must be a positive number")

    @property
    def _keeps_weights(self) -> bool:
        """Whether sparse layers keep the weights that the model starts with."""
        return self.init is None or as_init(self.init).name == KEEP
