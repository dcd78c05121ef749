"""`Study`: every combination of settings and seeds, each of which is one training."""

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from topolearn.declared import settle_fields
from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError, TopolearnError
from topolearn.registry import suggest
from topolearn.studies.identity import DIGITS, config_hash
from topolearn.studies.values import flat, laid_over, to_config
from topolearn.task_registry import DEFAULT, TASKS

KEYS = {
    "name": "name",
    "task": "task",
    "seeds": "seeds",
    "base": "base",
    "setting": "settings",
    "grid": "grid",
}  # keys of a study file, and the parameters that they set


@dataclass(frozen=True)
class PlannedRun:
    """One training of a study.

    Attributes
    ----------
    label : str
        Label of its setting and grid point.
    seed : int
    varied : dict
        The values of all options that a setting or the grid has, also where they come from ``base``.
    config
        Configuration of the study's task, such as `TrainConfig`, without a ``run_dir``.
    hash : str
        See `config_hash`.
    """

    label: str
    seed: int
    varied: dict[str, Any]
    config: Any
    hash: str

    @property
    def id(self) -> str:
        """The first digits of the hash: the name of the run's directory."""
        return self.hash[:DIGITS]


@dataclass(frozen=True, kw_only=True)
class Study:
    """Every combination of settings and seeds; each is a run whose directory is named by its configuration's hash.

    Parameters
    ----------
    name : str
        Name of the study: letters, digits, dots, hyphens and underscores.
    base : dict
        Options of all runs: fields of the task's configuration, such as `TrainConfig`, and of `Method`; for example
        ``epochs``, ``zeta``, or ``generator_params.beta``.
    settings : sequence of dict
        Dicts with a ``label`` and the options that differ from ``base``. By default one setting, labelled with the
        study's name.
    grid : dict
        Lists of values by option; every setting is combined with every combination of the values.
    seeds : sequence of int
        Random seeds; every setting is trained with each of them.
    task : str
        The task to train, a name in `topolearn.task_registry.TASKS`.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When an option is unknown or has an invalid value (the message has the label of the setting), a label, a seed
        or a value of the grid occurs twice, or two runs are the same training.

    Examples
    --------
    >>> study = Study(
    ...     name="zetas",
    ...     base={"epochs": 2, "density": 0.1},
    ...     settings=[{"label": "SET", "method": "set"}, {"label": "CHTs", "method": "chts"}],
    ...     grid={"zeta": [0.1, 0.3]},
    ...     seeds=[0, 1, 2],
    ... )
    >>> runs = study.runs()
    >>> len(runs), runs[0].label, runs[0].config.method, runs[0].config.overrides
    (12, 'SET, zeta=0.1', 'set', {'zeta': 0.1})
    """

    name: str
    base: dict[str, Any] = field(default_factory=dict)
    settings: tuple[dict[str, Any], ...] = ()
    grid: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    task: str = DEFAULT

    def __post_init__(self) -> None:
        settle_fields(self)
        _ = TASKS[self.task]  # raises for an unknown task
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", self.name, re.ASCII):
            raise InvalidValueError(
                f"name={self.name!r} must consist of letters, digits, dots, hyphens and underscores, and start with a "
                "letter or digit"
            )
        object.__setattr__(self, "settings", self.settings or ({"label": self.name},))
        for setting in self.settings:
            if not isinstance(setting.get("label"), str) or not setting["label"]:
                raise InvalidValueError(f"the setting {setting} needs a label, such as label='SET'")
        _check_distinct("label", [setting["label"] for setting in self.settings])
        if not self.seeds:
            raise InvalidValueError("seeds=[] leaves nothing to run: list at least one, such as seeds = [0, 1, 2]")
        _check_distinct("seed", self.seeds)
        for name, values in flat(self.grid, self.task).items():
            if not isinstance(values, list | tuple) or not values:
                raise InvalidValueError(f"grid: {name}={values!r} must be a non-empty list of values")
            _check_distinct(f"value of {name!r} in the grid", values)
        _check_different(self.runs())

    def runs(self) -> list[PlannedRun]:
        """Return all runs, seed by seed, so that an interrupted study has trained all settings with its first seeds."""
        points = list(self._points())
        return [_planned(*point, seed, self.task) for seed in self.seeds for point in points]

    def _points(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield label, varied options and all options of each setting and grid point."""
        base, grid = flat(self.base, self.task), flat(self.grid, self.task)
        owns = {setting["label"]: _own(setting, self.task) for setting in self.settings}
        varied = dict.fromkeys(name for options in (*owns.values(), grid) for name in options)
        for label, own in owns.items():
            for values in itertools.product(*grid.values()):
                point = dict(zip(grid, values, strict=True))
                words = [f"{name.rpartition('.')[2]}={_word(value)}" for name, value in point.items()]
                merged = laid_over([base, own, point])
                yield ", ".join([label, *words]), {name: merged[name] for name in varied if name in merged}, merged

    @classmethod
    def load(cls, path: str | Path) -> "Study":
        """Read a study from a TOML file.

        The file may have ``name`` (default the file's name), ``task`` and ``seeds``, a table ``[base]``, a table
        ``[[setting]]`` for each setting, and a table ``[grid]``.

        Raises
        ------
        MissingFileError, CorruptFileError, TopolearnError
            When there is no such file, it is not TOML, or its content is invalid.
        """
        path = Path(path)
        if not path.is_file():
            raise MissingFileError(f"there is no study file {path}")
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad writes the mark
        except (ValueError, OSError, RecursionError) as error:
            raise CorruptFileError(f"{path} is not TOML: {error}") from None
        for key in content:
            if key not in KEYS:
                raise InvalidValueError(f"{path}: a study has no key {key!r}: {suggest(key, list(KEYS))}")
        content.setdefault("name", path.stem)
        try:
            return cls(**{KEYS[key]: value for key, value in content.items()})
        except TopolearnError as error:
            raise type(error)(f"{path}: {error}") from None


def _planned(label: str, varied: dict[str, Any], values: Mapping[str, Any], seed: int, task: str) -> PlannedRun:
    try:
        config = to_config(values, seed, task)
    except TopolearnError as error:
        raise type(error)(f"setting {label!r}: {error}") from None
    return PlannedRun(label, seed, varied, config, config_hash(config))


def _own(setting: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the flat options of a setting."""
    try:
        return flat({name: value for name, value in setting.items() if name != "label"}, task)
    except TopolearnError as error:
        raise type(error)(f"setting {setting['label']!r}: {error}") from None


def _check_distinct(what: str, values: Sequence[Any]) -> None:
    for value in values:  # which may be lists, and have no hash
        count = values.count(value)
        if count > 1:
            raise InvalidValueError(f"the {what} {value!r} occurs {count} times: each {what} must be unique")


def _check_different(runs: Sequence[PlannedRun]) -> None:
    """Raise if two runs are the same training, which every statistic would count twice."""
    by_hash: dict[str, PlannedRun] = {}
    for run in runs:
        former = by_hash.setdefault(run.hash, run)
        if former is not run:
            raise InvalidValueError(
                f"settings {former.label!r} and {run.label!r} are the same training: remove one, or change a value"
            )


def _word(value: Any) -> str:
    """Return a value for a label, with all digits that tell it from its neighbours."""
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else str(value)
