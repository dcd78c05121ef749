"""Find the columns of a table that hold the two ends of a link and its weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from topolearn.errors import InvalidValueError
from topolearn.graph.reading.content import Declared, Options
from topolearn.graph.reading.dialect import is_number
from topolearn.graph.reading.header_row import usual_pair


@dataclass(frozen=True)
class Places:
    """The columns of source, target and weight, and notes about the others."""

    source: int
    target: int
    weight: int | None
    direction: int | None  # Gephi's column Type
    ignored: tuple[str, ...]
    decided: tuple[str, ...]


def find_places(
    names: Sequence[str] | None, rows: Sequence[Sequence[str]], declared: Declared, options: Options
) -> Places:
    """Return the columns of source, target and weight in a table, with or without column names.

    Raises
    ------
    InvalidValueError
        When a requested column does not exist, or a third column could equally be an end of the links.
    """
    width = len(names) if names else len(rows[0])
    shown = names or [declared.names[i] if i < len(declared.names) else "" for i in range(width)]
    weight = _asked("weight", 2 if options.weight is True else options.weight, shown, options)
    given = [_asked("source", options.source, shown, options), _asked("target", options.target, shown, options)]
    skipped = None
    if None in given:
        usual = usual_pair(names) if names else None
        skipped = _row_numbers(names, rows) if usual is None and width > 2 else None
        free = [i for i in range(width) if i not in (*given, weight, skipped)]
        pair = usual or (free[0], free[1] if len(free) > 1 else free[0])
        source, target = (place if mine is None else mine for mine, place in zip(given, pair, strict=True))
        if source == target and given[0] is None:
            source = free[0]
        elif source == target:
            target = free[0]
        rest = [i for i in free if i not in (source, target)]
        if given == [None, None] and names is None and any(_is_text(rows, i) for i in rest):
            options.ask(
                f"has {width} columns of names: pass source= and target= as column numbers, counting from 0, for "
                "example source=0, target=1"
            )
    else:
        source, target = (int(place) for place in given if place is not None)
    if len({source, target, weight}) < 3:
        raise InvalidValueError(
            f"source, target and weight must be different columns, not {source}, {target} and {weight}"
        )
    others = [i for i in range(width) if i not in (source, target, weight)]
    ignored = [f"row numbers in column {i}" if i == skipped else _name(shown, i) for i in others if _has(rows, i)]
    said = () if (source, target) == (0, 1) else (f"links from {_name(shown, source)} to {_name(shown, target)}",)
    kinds = [i for i in others if names and names[i].lower() == "type"]
    return Places(source, target, weight, kinds[0] if kinds else None, tuple(ignored), said)


def _asked(what: str, given: str | int | None, shown: Sequence[str], options: Options) -> int | None:
    if given is None:
        return None
    if isinstance(given, str):
        if given in shown:
            return shown.index(given)
        if not given.isdigit():
            known = ", ".join(repr(name) for name in shown if name)
            options.ask(
                f"has no column {what}={given!r}: "
                + (
                    f"its columns are {known}"
                    if known
                    else f"its columns have no names, so pass a number, such as {what}=0"
                )
            )
        given = int(given)
    if not 0 <= given < len(shown):
        options.ask(f"has no column {what}={given}: its columns are numbered 0..{len(shown) - 1}")
    return int(given)


def _row_numbers(names: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> int | None:
    """Return 0 if the first column numbers the rows, as tables saved by pandas and R do."""
    first = [row[0] for row in rows]
    counts = any(first == [str(i) for i in range(start, start + len(rows))] for start in (0, 1))
    named = names is not None and names[0].lower() in ("", "unnamed: 0", "id", "index", "rownames", "edge", "link")
    return 0 if counts and named else None


def _is_text(rows: Sequence[Sequence[str]], i: int) -> bool:
    return any(row[i] and not is_number(row[i]) for row in rows)


def _has(rows: Sequence[Sequence[str]], i: int) -> bool:
    return any(row[i] for row in rows)


def _name(shown: Sequence[str], i: int) -> str:
    return f"column {shown[i]!r}" if shown[i] else f"column {i} (counting from 0)"
