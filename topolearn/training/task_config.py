"""`TaskConfig`: the common base of all task configurations."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from topolearn.checks import as_percent, check_seed
from topolearn.declared import settle_fields
from topolearn.defaults import AUTO
from topolearn.devices import device_named
from topolearn.errors import InvalidValueError
from topolearn.evolution import METHODS, Method, check_backend, check_interval
from topolearn.files import written_aside
from topolearn.read_errors import reading
from topolearn.recording.history import KEPT
from topolearn.recording.writing.measuring import check_measures
from topolearn.registry import suggest
from topolearn.sparse import BACKENDS, has_links_alone
from topolearn.task_registry import without_task

LARGEST = 2**31  # allowed count
NONE = "none"  # stands for None in TOML, which does not have it


class TaskConfig:
    """Base class of frozen dataclasses with the fields of all tasks, and those of one task.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When a value has the wrong type or is out of range, or a name is unknown.

    Attributes
    ----------
    task : str
        Name of the task.
    precisions : tuple of str
        Precisions that its training supports.
    default_interval : int or None
        Steps between updates if neither the configuration nor the method says so; None if it depends on the data.
    """

    task: ClassVar[str]
    precisions: ClassVar[tuple[str, ...]] = ("float32", "bf16")
    default_interval: ClassVar[int | None] = None
    method: str
    density: float | None
    overrides: dict[str, Any]
    measures: tuple[str, ...]
    update_interval: int | None
    backend: str

    def build_method(self) -> Method:
        """Return the method with density and overrides applied."""
        density = {} if self.density is None else {"density": self.density}
        return METHODS[self.method].with_overrides({**self.overrides, **density})

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values, None included."""
        values = asdict(self)  # type: ignore[call-overload]  # of dataclasses
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """Return the configuration with other values for some fields; overrides are merged.

        A different generator among the overrides drops the parameters of the previous one.

        Raises
        ------
        InvalidValueError
            When a field does not exist, or the method changes while there are overrides for the previous one.
        """
        known = [f.name for f in fields(self)]  # type: ignore[arg-type]
        for name in values:
            if name not in known:
                raise InvalidValueError(f"there is no option {name!r}: {suggest(name, known)}")
        if self.overrides and values.get("method", self.method) != self.method:
            raise InvalidValueError(
                f"method={values['method']!r}, but there are overrides of {self.method!r}: remove them first "
                f"({', '.join(self.overrides)})"
            )
        merged = dict(values)
        if isinstance(overrides := merged.get("overrides"), Mapping):
            former, generator = dict(self.overrides), self.build_method().generator
            if overrides.get("generator", generator) != generator:
                former.pop("generator_params", None)
            merged["overrides"] = {**former, **overrides}
        return replace(self, **merged)  # type: ignore[type-var]

    def save(self, path: Path) -> None:
        """Write the configuration as TOML; None is left out, except for overrides, where it becomes "none"."""
        import tomli_w

        values = {"task": self.task} | {name: value for name, value in self.to_dict().items() if value is not None}
        values["overrides"] = {name: NONE if value is None else value for name, value in self.overrides.items()}
        with written_aside(path) as aside:
            aside.write_text(tomli_w.dumps(values), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a configuration from a TOML file.

        Raises
        ------
        MissingFileError, CorruptFileError, InvalidValueError
            When there is no such file, it is not TOML, it is for another task, or a value is invalid.
        """
        with reading(path, f"a {cls.task} configuration", "correct the value"):
            return cls().with_values(without_task(Path(path), cls.task))

    def __post_init__(self) -> None:
        settle_fields(self)
        self._settle_overrides()
        object.__setattr__(self, "measures", check_measures(self.measures))
        _check_common(self)
        self._check_ranges()
        method = self.build_method()
        check_interval("update_interval", self.update_interval, method)
        self._check_rewarmup(method)
        if has_links_alone(self.backend) and method.is_dense:
            raise InvalidValueError(f"method {self.method!r} has no sparse layers: leave backend={self.backend!r} out")
        check_backend(method, self.backend)

    def _check_ranges(self) -> None:
        """Raise if a field of the task is out of range."""
        raise NotImplementedError

    def _check_rewarmup(self, method: Method) -> None:
        """Raise if the learning rate would not recover between two updates, in the words of the options."""
        interval = self.update_interval or method.interval or self.default_interval
        if interval is not None and 0 < interval <= method.rewarmup_steps:
            warmup, remedy = self._rewarmup_in_words(method.rewarmup_steps)
            raise InvalidValueError(
                f"{warmup} than update_interval={interval}, or the learning rate never recovers between updates: raise "
                f"the interval, or {remedy}"
            )

    def _rewarmup_in_words(self, n_steps: int) -> tuple[str, str]:
        """Return the option that sets the warm-up after updates, with what must hold, and how to shorten it."""
        return f"rewarmup_steps={n_steps} must be less", "shorten the warm-up"

    def _settle_overrides(self) -> None:
        """Replace override values with those of the built method; "none" becomes None."""
        if "density" in self.overrides:
            raise InvalidValueError("density is a top-level option, not a method override: density=...")
        overrides = {name: None if value == NONE else value for name, value in self.overrides.items()}
        object.__setattr__(self, "overrides", overrides)
        method = self.build_method()
        object.__setattr__(self, "overrides", {name: getattr(method, name) for name in overrides})


def _check_common(config: Any) -> None:
    """Raise if a field that all configurations have is out of range."""
    check_counts(config, "threads", largest=1024)
    check_counts(config, "update_interval", "measure_every")
    check_seed(config.seed)
    for f in fields(config):
        value = getattr(config, f.name)
        if isinstance(value, str) and "\0" in value:
            raise InvalidValueError(f"{f.name}={value!r} has a NUL character, which no path can have: remove it")
    if config.device != AUTO:
        device_named("device", config.device, AUTO)  # only the name: runs of other machines stay readable
    check_words(config, precision=config.precisions, backend=(AUTO, *BACKENDS), history=KEPT)


def check_counts(config: Any, *names: str, largest: int = LARGEST) -> None:
    """Raise if counts are below 1 or too large; None is allowed.

    Raises
    ------
    InvalidValueError
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise InvalidValueError(f"{name}={value} must be at least 1")
        if value is not None and value > largest:
            raise InvalidValueError(f"{name}={value} must be at most {largest}")


def check_shares(config: Any, *names: str) -> None:
    """Raise if shares are outside [0, 1].

    Raises
    ------
    InvalidValueError
    """
    for name in names:
        if not 0 <= getattr(config, name) <= 1:
            value = getattr(config, name)
            raise InvalidValueError(f"{name}={value} must lie in [0, 1]{as_percent(value)}")


def check_words(config: Any, **allowed: Collection[str]) -> None:
    """Raise if values are not among the allowed words.

    Raises
    ------
    InvalidValueError
    """
    for name, words in allowed.items():
        value = getattr(config, name)
        if value not in words:
            raise InvalidValueError(f"{name}={value!r} is unknown: {suggest(value, list(words))}")
