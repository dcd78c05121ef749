"""What makes two runs the same: a hash of all that a training is asked to do."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from topolearn.errors import InvalidValueError
from topolearn.task_registry import DEFAULT

FORMAT = 1  # of hashes and results directories: raise it when a default below or the layout of a directory changes
OF_THE_PLACE = ("run_dir", "data_dir", "threads")
IN_METHOD = ("overrides", "density")  # options that the method's parts hold
IN_WORDS = ("name", "title", "paper")  # what a method is called
DIGITS = 12  # of a hash, in the name of a run's directory


def identity(config: Any) -> dict[str, Any]:
    """Return what is hashed: every value that is asked for and is not its field's default, and `FORMAT`.

    In it are the task, unless it is classification, all options of the training and all parts of its method, whether
    the method's row in the table or the configuration names them. Not in it are where the run is kept (``run_dir``),
    where the data lie (``data_dir``), how many threads compute (``threads``), what the machine decides where ``device``
    or ``backend`` are ``auto``, and the content of a data file or of an entry that you registered, of which there is
    the name alone. Values equal to the default of their field are left out, so that a field that is added later changes
    no hash.

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
    """Return the SHA-256 of what a training is asked to do, as 64 hexadecimal digits; see `identity`.

    Examples
    --------
    >>> from topolearn.training import TrainConfig
    >>> config_hash(TrainConfig(epochs=5, run_dir="here")) == config_hash(TrainConfig(epochs=5, run_dir="there"))
    True
    """
    text = json.dumps(identity(config), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def check_same(recorded: Any, asked: Any, where: object) -> None:
    """Refuse a run that was made with other values than those asked for; what is left open is not compared.

    Raises
    ------
    InvalidValueError
        As when the run's configuration was edited, or a default of topolearn has changed since.
    """
    made, wanted = _values(recorded), _values(asked)
    for name, value in wanted.items():
        if value not in (None, "auto") and made.get(name) != value:
            raise InvalidValueError(
                f"the run in {where} was made with {name}={made.get(name)!r}, not {value!r}: remove it, or choose "
                "another results directory"
            )


def _values(config: Any) -> dict[str, Any]:
    method = {name: value for name, value in config.build_method().to_dict().items() if name not in IN_WORDS}
    return method | {name: value for name, value in config.to_dict().items() if name not in (*IN_METHOD, *OF_THE_PLACE)}


def _chosen(settings: Any, *, skip: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields whose values are not their defaults."""
    kept = [f for f in fields(settings) if f.name not in skip]
    return {f.name: _plain(value) for f in kept if (value := getattr(settings, f.name)) != _default(f)}


def _default(f: Field[Any]) -> Any:
    return f.default_factory() if f.default_factory is not MISSING else f.default


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: tuples as lists."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
