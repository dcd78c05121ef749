"""Which runs are alike but for their seeds, and what the others differ in."""

from collections.abc import Mapping, Sequence
from typing import Any

from topolearn.plotting.run_data import RunLike
from topolearn.plotting.style import plain

SEED = "seed"
OF_THE_PLACE = ("run_dir", "data_dir", "threads", "device")
OF_THE_METHOD = ("method", "density")  # whose values speak for themselves


def alike(runs: Sequence[RunLike]) -> dict[str, list[RunLike]]:
    """Return runs in groups that differ in nothing but the seed, by a label of what the groups differ in.

    Runs are labelled by their names where nothing differs, or what they were trained with is not known.
    """
    known = [_values(run) for run in runs]
    if len(runs) < 2 or not all(known):
        return _by_name(runs)
    names = list(dict.fromkeys(name for values in known for name in values if name != SEED))
    varied = [name for name in names if len({repr(values.get(name)) for values in known}) > 1]
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, values in enumerate(known):
        groups.setdefault(tuple(repr(values.get(name)) for name in varied), []).append(place)
    seeds_differ = all(len({repr(known[i].get(SEED)) for i in places}) == len(places) for places in groups.values())
    if not seeds_differ:
        return _by_name(runs)
    labelled: dict[str, list[RunLike]] = {}
    for places in groups.values():
        words = [_words(name, known[places[0]].get(name)) for name in varied]
        label = ", ".join(filter(None, words)) or str(known[places[0]].get("method", runs[places[0]].name))
        labelled.setdefault(plain(label), []).extend(runs[i] for i in places)
    return labelled if len(labelled) == len(groups) else _by_name(runs)


def _by_name(runs: Sequence[RunLike]) -> dict[str, list[RunLike]]:
    """Return each run by itself, by its name; those of the same name are numbered."""
    groups: dict[str, list[RunLike]] = {}
    for run in runs:
        label, number = plain(run.name), 2
        while label in groups:
            label, number = f"{plain(run.name)} ({number})", number + 1
        groups[label] = [run]
    return groups


def _values(run: RunLike) -> dict[str, Any]:
    """Return all values that a run was trained with, parts of its method one by one; none where they are not known."""
    config: Any = getattr(run, "config", None)
    given = config.to_dict() if hasattr(config, "to_dict") else config
    values = dict(given) if isinstance(given, Mapping) else {}
    overrides = values.pop("overrides", None) or {}
    return {name: value for name, value in (values | overrides).items() if name not in OF_THE_PLACE}


def _words(name: str, value: Any) -> str:
    if name == "method":
        return str(value)
    if name == "density":
        return "" if value is None else f"density {value:g}"
    return f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
