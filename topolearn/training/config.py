"""`TrainConfig`: everything that decides what a training does, as typed values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

from topolearn.declared import settle_fields
from topolearn.devices import AUTO, device_named
from topolearn.errors import InvalidValueError
from topolearn.evolution import METHODS, Method, check_backend, check_interval
from topolearn.files import written_aside
from topolearn.recording.history import KEPT
from topolearn.recording.measuring import DEFAULT, check_measures
from topolearn.registry import suggest
from topolearn.sparse import BACKENDS, has_links_alone
from topolearn.task_registry import without_task

PRECISIONS = ("float32", "bf16")
NONE = "none"  # how TOML, which has no None, says that a method has no such part


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What to train, on what, and how; every field has a default and is an option of ``topolearn train``.

    Fields that are None are settled when training begins, and the settled values are written into the run. The
    sentence for each field is in its metadata, and in ``topolearn train --help``.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        For a value of a wrong type, out of range, or a name that is not known.

    Examples
    --------
    >>> config = TrainConfig(method="chts", density=0.01, overrides={"zeta": 0.2})
    >>> config.build_method().zeta
    0.2
    """

    task: ClassVar[str] = "classification"  # whose configuration this is

    dataset: str = field(
        default="digits",
        metadata={
            "help": "digits, mnist, fashion_mnist, emnist_balanced, or the path of an .npz file with train_x, train_y, "
            "test_x, test_y; with +validation behind it, held-out training examples instead of the test examples"
        },
    )
    data_dir: str | None = field(
        default=None, metadata={"help": "folder with the data set's files, or with a folder NAME that has them [data]"}
    )
    method: str = field(
        default="chts", metadata={"help": "how the topology begins and evolves; see 'topolearn methods'"}
    )
    density: float | None = field(
        default=None, metadata={"help": "share of the possible links that exist in each sparse layer [the method's]"}
    )
    overrides: dict[str, Any] = field(default_factory=dict, metadata={"help": "other values for parts of the method"})
    hidden: tuple[int, ...] | None = field(
        default=None, metadata={"help": "width of each hidden layer [3 layers of 2 x features]"}
    )
    epochs: int = field(default=20, metadata={"help": "passes over the training examples"})
    batch_size: int = field(default=32, metadata={"help": "examples in a batch"})
    lr: float = field(default=0.025, metadata={"help": "learning rate at the start"})
    lr_end: float = field(default=0.01, metadata={"help": "learning rate at the end, as a share of the first"})
    lr_decay: float = field(
        default=0.9, metadata={"help": "share of the training over which the learning rate falls linearly"}
    )
    momentum: float = field(default=0.9, metadata={"help": "momentum of SGD"})
    weight_decay: float = field(default=5e-4, metadata={"help": "weight decay of SGD"})
    update_interval: int | None = field(
        default=None, metadata={"help": "optimizer steps between topology updates [the method's, or once an epoch]"}
    )
    seed: int = field(default=0, metadata={"help": "fixes topology, weights, batches and every draw"})
    device: str = field(
        default=AUTO,
        metadata={"help": "auto (CUDA, else the CPU), or a device that torch has, such as cpu, cuda:1 or xpu"},
    )
    backend: str = field(
        default="auto",
        metadata={"help": "how sparse layers compute: masked, csr (links alone), or auto, by device and density"},
    )
    precision: str = field(default="float32", metadata={"help": "float32, or bf16 for autocast"})
    threads: int | None = field(
        default=None,
        metadata={
            "help": "CPU threads; part of the record, as results may depend on it [1 if steps are short, else torch's]"
        },
    )
    history: str = field(
        default="full",
        metadata={"help": "what is kept of the topology: full (every link event), snapshots (each epoch), or summary"},
    )
    measures: tuple[str, ...] = field(
        default=DEFAULT,
        metadata={"help": "measures of the topology to take while training; or none"},
    )
    measure_every: int | None = field(
        default=None, metadata={"help": "topology updates from one measurement to the next [about an epoch's]"}
    )
    tensorboard: bool = field(
        default=False,
        metadata={"help": "write metrics, measures and pictures for TensorBoard, which must be installed"},
    )
    run_dir: str | None = field(
        default=None,
        metadata={"help": "directory of the run, which must not exist [runs/DATASET-METHOD-DENSITY-sSEED]"},
    )

    def __post_init__(self) -> None:
        settle_fields(self)
        if "density" in self.overrides:
            raise InvalidValueError("density is no part to override but an option of its own: density, or --density")
        overrides = {name: None if value == NONE else value for name, value in self.overrides.items()}
        object.__setattr__(self, "overrides", overrides)
        object.__setattr__(self, "measures", check_measures(self.measures))
        _check_ranges(self)
        method = self.build_method()
        check_interval("update_interval", self.update_interval, method)
        if has_links_alone(self.backend) and method.is_dense:
            raise InvalidValueError(f"method {self.method!r} has no sparse layer: leave backend={self.backend!r} out")
        check_backend(method, self.backend)
        object.__setattr__(self, "overrides", {name: getattr(method, name) for name in overrides})

    def build_method(self) -> Method:
        """Return the method with density and overrides applied."""
        density = {} if self.density is None else {"density": self.density}
        return METHODS[self.method].with_overrides({**self.overrides, **density})

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values, None included."""
        lists = {"hidden": None if self.hidden is None else list(self.hidden), "measures": list(self.measures)}
        return {**asdict(self), **lists}

    def with_values(self, values: Mapping[str, Any]) -> "TrainConfig":
        """Return the configuration with other values for some fields; overrides are merged.

        Another generator among the overrides drops the parameters of the former one.

        Raises
        ------
        InvalidValueError
            For a field that does not exist, or another method while there are overrides, which are of the former one.
        """
        known = [f.name for f in fields(self)]
        for name in values:
            if name not in known:
                raise InvalidValueError(f"there is no option {name!r}: {suggest(name, known)}")
        if self.overrides and values.get("method", self.method) != self.method:
            raise InvalidValueError(
                f"method={values['method']!r}, but there are overrides, which are parts of {self.method!r}: "
                f"remove these ({', '.join(self.overrides)}) first"
            )
        merged = dict(values)
        if isinstance(overrides := merged.get("overrides"), Mapping):
            former, generator = dict(self.overrides), self.build_method().generator
            if overrides.get("generator", generator) != generator:
                former.pop("generator_params", None)
            merged["overrides"] = {**former, **overrides}
        return replace(self, **merged)

    def save(self, path: Path) -> None:
        """Write the configuration as TOML; None is left out, and is the word "none" among the overrides."""
        import tomli_w

        values = {"task": self.task} | {name: value for name, value in self.to_dict().items() if value is not None}
        values["overrides"] = {name: NONE if value is None else value for name, value in self.overrides.items()}
        with written_aside(path) as aside:
            aside.write_text(tomli_w.dumps(values), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "TrainConfig":
        """Read a configuration from a TOML file.

        Raises
        ------
        MissingFileError, CorruptFileError, InvalidValueError
            When there is no such file, it is not TOML, is of another task, or a value is refused.
        """
        return cls().with_values(without_task(Path(path), cls.task))


def _check_ranges(config: TrainConfig) -> None:
    for name, high in (
        ("epochs", 2**31),
        ("batch_size", 2**31),
        ("update_interval", 2**31),
        ("measure_every", 2**31),
        ("threads", 1024),
    ):
        value = getattr(config, name)
        if value is not None and value < 1:
            raise InvalidValueError(f"{name}={value} must be at least 1")
        if value is not None and value > high:
            raise InvalidValueError(f"{name}={value} must be at most {high}")
    if config.hidden is not None and not (config.hidden and all(1 <= width < 2**31 for width in config.hidden)):
        raise InvalidValueError(f"hidden={list(config.hidden)} must be one or more widths of at least 1, below 2**31")
    for name, low, high in (("lr_end", 0, 1), ("lr_decay", 0, 1), ("momentum", 0, 1), ("weight_decay", 0, 1)):
        if not low <= getattr(config, name) <= high:
            raise InvalidValueError(f"{name}={getattr(config, name)} must lie in [{low}, {high}]")
    if not 0 < config.lr < float("inf"):
        raise InvalidValueError(f"lr={config.lr} must be a positive number")
    if not 0 <= config.seed < 2**63:
        raise InvalidValueError(f"seed={config.seed} must be at least 0 and below 2**63")
    if config.device != AUTO:
        device_named("device", config.device, AUTO)  # a run of a device that is not here can still be read
    for name, allowed in (
        ("precision", PRECISIONS),
        ("backend", ("auto", *BACKENDS)),
        ("history", KEPT),
    ):
        value = getattr(config, name)
        if value not in allowed:
            raise InvalidValueError(f"{name}={value!r} is unknown: {suggest(value, list(allowed))}")
