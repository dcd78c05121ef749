"""The configuration of a run: TOML for a task, JSON for a custom loop."""

import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from topolearn.errors import InvalidTypeError
from topolearn.files import read_json, write_json
from topolearn.task_registry import Task, imported, task_of

OF_A_TASK, OF_A_LOOP = "config.toml", "config.json"


def read_task(path: Path) -> Task | None:
    """Return the task of a run; None for a custom loop.

    Raises
    ------
    CorruptFileError, UnknownNameError
        When the configuration is not readable, or names an unknown task.
    """
    return task_of(path / OF_A_TASK) if (path / OF_A_TASK).is_file() else None


def read_config(path: Path) -> Any:
    """Return the configuration of a run: an instance of its task's configuration class, or a dict.

    Raises
    ------
    MissingFileError, CorruptFileError, TopolearnError
        When there is no configuration, or it is not readable.
    """
    task = read_task(path)
    return imported(task.config).load(path / OF_A_TASK) if task else read_json(path / OF_A_LOOP)


def write_config(path: Path, config: Any) -> None:
    """Write a configuration into a run directory: that of a task, or plain values from `check_config`."""
    if isinstance(config, dict):
        write_json(path / OF_A_LOOP, config)
    else:
        config.save(path / OF_A_TASK)


def check_config(config: Any) -> dict[str, Any]:
    """Return the configuration of a custom loop as plain values, ready to be written.

    Numbers, strings, bools, None, lists and mappings are kept. Tuples and arrays become lists, dataclasses become
    mappings, and keys and all other values become strings, such as ``"cuda:0"`` for a device.

    Raises
    ------
    InvalidTypeError
        When it is neither a mapping nor a dataclass.

    Examples
    --------
    >>> check_config({"lr": 1e-3, "betas": (0.9, 0.999), "data": Path("data/mnist"), "schedule": None})
    {'lr': 0.001, 'betas': [0.9, 0.999], 'data': 'data/mnist', 'schedule': None}
    """
    if config is None:
        return {}
    if isinstance(config, Mapping) or (dataclasses.is_dataclass(config) and not isinstance(config, type)):
        return dict(_plain(config))
    raise InvalidTypeError(
        f"config is a {type(config).__name__}: pass a mapping of names to values, such as a dict or vars(args)"
    )


def differing(one: Any, other: Any) -> list[str]:
    """Return the names whose values differ between two configurations of a loop."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return []
    names = dict.fromkeys([*one, *other])
    return [name for name in names if not _same(one.get(name), other.get(name))]


def _same(one: Any, other: Any) -> bool:
    both_nan = all(isinstance(each, float) and math.isnan(each) for each in (one, other))
    return both_nan or one == other


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    elif isinstance(value, np.generic | np.ndarray | Tensor):
        value = value.tolist()  # a plain number, where there are no dimensions
    elif isinstance(value, Enum):
        value = value.value
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or type(value) in (bool, int, float, str) else str(value)
