"""The identity of a run: a hash of everything that determines a training."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from topolearn.errors import InvalidValueError
from topolearn.task_registry import DEFAULT

FORMAT = 1  # of hashes and results directories; raise it when a default below or the directory layout changes
OF_THE_PLACE = ("run_dir", "data_dir", "threads")
IN_METHOD = ("overrides", "density")  # options that the method holds
IN_WORDS = ("name", "title", "paper")  # names and descriptions of a method
DIGITS = 12  # of a hash, in the name of a run's directory


def identity(config: Any) -> dict[str, Any]:
    """Return the data that is hashed: `FORMAT`, and every value that differs from its field's default.

    Included are the task, unless it is classification, all training options, and all components of the method, whether
    they come from the method's registry entry or from the configuration. Not included are the location of the run
    (``run_dir``) and of the data (``data_dir``), the number of threads (``threads``), the machine's choice if
    ``device`` or ``backend`` is ``auto``, and the content of data files and of entries that you registered, of which
    only the names are included. Values equal to the default of their field are left out, so that adding a field later
    does not change any hash.

    Examples
    --------
    >>> from topolearn.training import TrainConfig
    >>> identity(TrainConfig(method="static", density=0.1, epochs=5, threads=2))
    {'format': 1, 'train': {'method': 'static', 'epochs': 5}, 'method': {'density': 0.1}}
    """
    method = config.build_method()
    train = _chosen(config, skip=(*IN_METHOD, *OF_THE_PLACE))
    task = {} if config.task == DEFAULT else {"task": config.task}
    return {"format": FORMAT, **task, "train": train, "method": _chosen(method, skip=IN_WORDS)}


def config_hash(config: Any) -> str:
    """Return the SHA-256 hash of everything that determines a training, as 64 hexadecimal digits; see `identity`.

    Examples
    --------
    >>> from topolearn.training import TrainConfig
    >>> config_hash(TrainConfig(epochs=5, run_dir="here")) == config_hash(TrainConfig(epochs=5, run_dir="there"))
    True
    """
    text = json.dumps(identity(config), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def check_same(recorded: Any, asked: Any, where: object) -> None:
    """Raise if a run was trained with values other than those requested; values left open are not compared.

    Raises
    ------
    InvalidValueError
        When values differ, for example because the run's configuration was edited, or a default of topolearn changed.
    """
    made, wanted = _values(recorded), _values(asked)
    for name, value in wanted.items():
        if value not in (None, "auto") and made.get(name) != value:
            raise InvalidValueError(
                f"the run in {where} was trained with {name}={made.get(name)!r}, not {value!r}: remove it, or choose "
                "another results directory"
            )


def _values(config: Any) -> dict[str, Any]:
    method = {name: value for name, value in config.build_method().to_dict().items() if name not in IN_WORDS}
    return method | {name: value for name, value in config.to_dict().items() if name not in (*IN_METHOD, *OF_THE_PLACE)}


def _chosen(settings: Any, *, skip: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields whose values differ from their defaults."""
    kept = [f for f in fields(settings) if f.name not in skip]
    return {f.name: _plain(value) for f in kept if (value := getattr(settings, f.name)) != _default(f)}


def _default(f: Field[Any]) -> Any:
    return f.default_factory() if f.default_factory is not MISSING else f.default


def _plain(value: Any) -> Any:
    """Convert a value to JSON types: tuples to lists."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
