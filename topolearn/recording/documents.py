"""The JSON files of a run, checked as they are read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from topolearn.files import read_json
from topolearn.read_errors import reading

CURE = "restore it from a copy, or run the training again"  # for any file of a run


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_share(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and 0 <= value <= 1)


def _is_sizes(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(each, list) and len(each) == 2 and all(map(_is_count, each)) for each in value.values()
    )


def _is_words(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _is_schedulers(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(each, dict) and _is_text(each.get("title")) and _is_number(each.get("theta"))
        for each in value.values()
    )


ACCEPTED = "accepted"  # in the environment: what had changed when a run was continued
Rule = tuple[Callable[[Any], bool], str, bool]  # a check, what the value must be, and whether it is required
RULES: dict[str, dict[str, Rule]] = {
    "summary.json": {
        "complete": (lambda value: type(value) is bool, "true or false", True),
        "n_updates": (_is_count, "a number of updates", True),
        "n_steps": (_is_count, "a number of steps", False),
        "n_links": (lambda value: value is None or _is_count(value), "a number of links", True),
        "density": (_is_share, "a number from 0 to 1", False),
        "active_neurons": (_is_share, "a number from 0 to 1", True),
        "seconds": (_is_number, "a number", True),
    },
    "recording.json": {
        "topology": (_is_schedulers, "a mapping of schedulers, each with title and theta", True),
        "outputs": (_is_sizes, "a mapping of layers to two sizes each", False),
        "inits": (_is_words, "a mapping of layers to strings", False),
        "groups": (_is_tables, "a list of neuron groups", False),
        "measures": (_is_names, "a list of names", True),
        "every": (lambda value: _is_count(value) and value > 0, "a number of updates", True),
        "history": (_is_text, "a string", True),
        "manifest": (lambda value: type(value) is bool, "true or false", False),
        "first_step": (_is_count, "a number of steps", True),
        "first_update": (_is_count, "a number of updates", True),
        "format": (_is_count, "a number", True),
    },
    "environment.json": {ACCEPTED: (_is_names, "a list of strings", False)},
}


def read_document(path: Path) -> dict[str, Any]:
    """Return the values in a JSON file of a run, checked against the rules for its name.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is no such file, it is not JSON, or a value is missing or invalid.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "summary.json")
    >>> _ = path.write_text('{"complete": "yes"}')
    >>> read_document(path)
    Traceback (most recent call last):
    topolearn.errors.CorruptFileError: ...summary.json is not a valid summary.json (complete is 'yes', but must be \
    true or false): restore it from a copy, or run the training again
    """
    with reading(path, f"a valid {path.name}", CURE):
        values = read_json(path)
        _check(values, RULES.get(path.name, {}))
        if path.name == "environment.json" and not _is_words({**values, ACCEPTED: ""}):
            raise ValueError("not all of its values are strings")
    return values


def _check(values: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    for name, (is_right, what, is_needed) in rules.items():
        if name not in values and not is_needed:
            continue
        if not is_right(values[name]):
            raise ValueError(f"{name} is {values[name]!r:.60}, but must be {what}")
