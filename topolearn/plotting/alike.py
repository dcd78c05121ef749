"""Groups of runs that differ only in their seeds, labelled by what the groups differ in."""

from collections.abc import Mapping, Sequence
from typing import Any

from topolearn.plotting.drawing.style import plain
from topolearn.plotting.run_data import RunLike

SEED = "seed"
OF_THE_PLACE = ("run_dir", "data_dir", "threads", "device")
ALWAYS_SHOWN = ("method", "density")  # in labels, if they differ


def alike(runs: Sequence[RunLike]) -> dict[str, list[RunLike]]:
    """Group runs that differ only in their seeds; return the groups by a label of what they differ in.

    Runs are labelled by name if nothing differs, or if their configurations are unknown.
    """
    known = [_values(run) for run in runs]
    if len(runs) < 2 or not all(known):
        return _by_name(runs)
    varied = _varied(known)
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


def _varied(known: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of settings that differ; settings that only differ between methods are implied by the method."""
    of_methods: dict[str, list[dict[str, Any]]] = {}
    for values in known:
        of_methods.setdefault(repr(values.get("method")), []).append(values)
    names = dict.fromkeys(name for values in known for name in values if name != SEED)
    return [
        name
        for name in names
        if any(_differ(name, among) for among in ([known] if name in ALWAYS_SHOWN else of_methods.values()))
    ]


def _differ(name: str, among: Sequence[dict[str, Any]]) -> bool:
    return len({repr(values.get(name)) for values in among}) > 1


def _by_name(runs: Sequence[RunLike]) -> dict[str, list[RunLike]]:
    """Return each run as its own group, labelled by name; runs of the same name are numbered."""
    groups: dict[str, list[RunLike]] = {}
    for run in runs:
        label, number = plain(run.name), 2
        while label in groups:
            label, number = f"{plain(run.name)} ({number})", number + 1
        groups[label] = [run]
    return groups


def _values(run: RunLike) -> dict[str, Any]:
    """Return all settings of a run, including single overrides of its method; empty if they are unknown."""
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
