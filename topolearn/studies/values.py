"""Options of a study as flat names, such as ``epochs``, ``zeta`` or ``generator_params.beta``, and their merging."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from topolearn.errors import InvalidValueError
from topolearn.evolution import Method
from topolearn.registry import suggest
from topolearn.studies.identity import IN_WORDS
from topolearn.task_registry import DEFAULT, TASKS, imported

METHOD_OPTIONS = tuple(f.name for f in fields(Method) if f.name not in (*IN_WORDS, "density"))
NOT_HERE = {
    "seed": "list the seeds of the study in 'seeds'",
    "run_dir": "each run gets its own directory, named by its hash",
}


def options_of(task: str) -> tuple[str, ...]:
    """Return the option names of a task's configuration, without those of the method's components."""
    return tuple(f.name for f in fields(imported(TASKS[task].config)) if f.name != "overrides")


def flat(values: Mapping[str, Any], task: str = DEFAULT) -> dict[str, Any]:
    """Flatten options: method components by their own names, and entries of a component after a dot.

    Parameters
    ----------
    values : Mapping
        Options of the task's configuration and of `Method`; method components may also be under ``overrides``.
    task : str
        Name of the task.

    Raises
    ------
    InvalidValueError
        When a name is not an option, or is one that the study sets itself.

    Examples
    --------
    >>> flat({"epochs": 5, "zeta": 0.2, "generator_params": {"beta": 0.1}})
    {'epochs': 5, 'zeta': 0.2, 'generator_params.beta': 0.1}
    >>> flat({"overrides": {"zeta": 0.2}, "overrides.theta": 0.8})
    {'zeta': 0.2, 'theta': 0.8}
    """
    options = options_of(task)
    flattened: dict[str, Any] = {}
    for written, value in values.items():
        if written == "overrides" and isinstance(value, Mapping):
            flattened |= flat(value, task)
            continue
        name = written.removeprefix("overrides.")
        entries = value if isinstance(value, Mapping) else {}
        named = {f"{name}.{entry}": inner for entry, inner in entries.items()} or {name: value}
        for each in named:
            _check(each, options)
        flattened |= named
    return flattened


def _check(name: str, options: Sequence[str]) -> None:
    head, dot, _ = name.partition(".")
    if head in NOT_HERE:
        raise InvalidValueError(f"{head!r} cannot be set in the settings of a study: {NOT_HERE[head]}")
    if head not in METHOD_OPTIONS and (head not in options or dot):
        known = [option for option in (*options, *METHOD_OPTIONS) if option not in NOT_HERE]
        raise InvalidValueError(f"there is no option {name!r}: {suggest(name, known)}")


def laid_over(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge several layers of flat options; later layers win.

    A different generator drops the parameters of the previous one. A whole component replaces its entries, and entries
    replace a whole component.

    Examples
    --------
    >>> laid_over([{"generator": "bsw", "generator_params.beta": 0.1}, {"generator": "csti"}])
    {'generator': 'csti'}
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        wholes = {name for name in layer if "." not in name}
        heads = {name.partition(".")[0] for name in layer if "." in name}
        if "generator" in layer and layer["generator"] != merged.get("generator"):
            wholes.add("generator_params")
        kept = {k: v for k, v in merged.items() if k.partition(".")[0] not in wholes and k not in heads}
        merged = {**kept, **layer}
    return merged


def to_config(values: Mapping[str, Any], seed: int, task: str = DEFAULT) -> Any:
    """Return the configuration of a task for flat options and a seed.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When a value is invalid.
    """
    options = options_of(task)
    given: dict[str, Any] = {name: value for name, value in values.items() if name in options}
    overrides: dict[str, Any] = {}
    for name, value in values.items():
        head, dot, entry = name.partition(".")
        if head in METHOD_OPTIONS and dot:
            overrides.setdefault(head, {})[entry] = value
        elif head in METHOD_OPTIONS:
            overrides[head] = value
    return imported(TASKS[task].config)(**given, overrides=overrides, seed=seed)
