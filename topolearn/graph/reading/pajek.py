"""Read Pajek .net files: networkx misreads lists of arcs as weights, and arcs as edges in files that have both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from topolearn.graph.reading.content import Column, Content, Declared, Options, check_size, numbers
from topolearn.graph.reading.text import Text

_ID = re.compile(r"[0-9]+")
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_SECTIONS = ("*arcs", "*edges", "*arcslist", "*edgeslist", "*matrix")


def read_pajek(text: Text, options: Options) -> Content:
    """Return the content of a Pajek network: ``*Vertices n``, or ``*Vertices n m`` for two kinds; ids begin at 1.

    Raises
    ------
    CorruptFileError, InvalidValueError
        When a line does not fit its section, a matrix has too few rows, or the file holds several relations or
        networks.
    """
    names: dict[int, str] = {}
    n = m = 0
    section = ""
    links: list[tuple[int, int, float, bool]] = []
    seen: list[str] = []
    n_row = 0
    for number, line in text.numbered():
        words = [quoted or bare for quoted, bare in _WORD.findall(line)]
        if line.lstrip().startswith("*"):
            section = words[0].lower().split(":")[0]
            if section == "*network":
                continue
            if section == "*vertices":
                if n or not all(word.isdigit() for word in words[1:3]) or len(words) < 2:
                    options.reject(
                        f"cannot be read: line {number} is {line!r}: expected a single line '*Vertices n' with a count"
                    )
                n, m = int(words[1]), int(words[2]) if len(words) > 2 else 0
                continue
            if section not in _SECTIONS or not n:
                options.reject(
                    f"cannot be read: line {number} is {line!r}: expected one of *Vertices, {', '.join(_SECTIONS)}"
                )
            if section in seen:
                options.ask(
                    f"has several relations, the second from line {number} on: split it into one file per relation"
                )
            seen.append(section)
            continue
        if section == "*vertices":
            _vertex(words, names, n, number, line, options)
            continue
        try:
            if section == "*matrix":
                n_row += 1
                links += [(a, b, value, False) for a, b, value in _row(words, n_row, n, m)]
            else:
                links += [(a, b, value, section.startswith("*edges")) for a, b, value in _pairs(words, section, n)]
        except ValueError as error:
            options.reject(f"cannot be read: line {number} is {line!r}: {error}")
    _check_complete(n, m, n_row if "*matrix" in seen else None, options)
    check_size(n, 2 * len(links), f"{n:,} vertices", "correct the '*Vertices' line", options)
    return _content(n, m, names, links, seen, options)


def _check_complete(n: int, m: int, n_rows: int | None, options: Options) -> None:
    """Reject a file without vertices, or whose matrix has too few rows."""
    if not n:
        options.reject("has no '*Vertices n' line")
    if n_rows is not None and n_rows < (m or n):
        options.reject(f"has a *Matrix of {n_rows} rows instead of {m or n}: it may be truncated")


def _vertex(words: list[str], names: dict[int, str], n: int, number: int, line: str, options: Options) -> None:
    if not words[0].isdigit() or not 1 <= int(words[0]) <= n:
        options.reject(
            f"cannot be read: line {number} is {line!r}: expected the number of a vertex, 1..{n}, then its name"
        )
    if len(words) > 1:
        names[int(words[0])] = words[1]


def _pairs(words: list[str], section: str, n: int) -> Iterator[tuple[int, int, float]]:
    """Yield the links of a line of arcs or edges; in a list, all lead from the first vertex."""
    is_list = section.endswith("list")
    given = words if is_list else words[:2]
    ids = [int(word) for word in given if _ID.fullmatch(word)]
    if len(ids) < max(2, len(given)) or not all(1 <= i <= n for i in ids):
        raise ValueError(f"expected a link between two vertices in 1..{n}")
    value = 1.0 if is_list or len(words) < 3 else float(words[2])
    yield from ((ids[0] - 1, i - 1, value) for i in ids[1:])


def _row(words: list[str], row: int, n: int, m: int) -> Iterator[tuple[int, int, float]]:
    """Yield the links of a row of a matrix, whose columns are the second kind if there are two."""
    width, start = (n - m, m) if m else (n, 0)
    if len(words) != width or row > (m or n):
        raise ValueError(f"expected a matrix with {m or n} rows of {width} numbers")
    yield from ((row - 1, start + i, float(word)) for i, word in enumerate(words) if float(word))


def _content(
    n: int, m: int, names: dict[int, str], links: list[tuple[int, int, float, bool]], seen: list[str], options: Options
) -> Content:
    ends = np.array([link[:2] for link in links], dtype=np.int64).reshape(-1, 2)
    values = np.array([link[2] for link in links], dtype=np.float64)
    is_edge = np.array([link[3] for link in links], dtype=bool)
    is_matrix = seen == ["*matrix"]
    directed = bool((~is_edge).any())
    if is_matrix and not m and _is_mirrored(ends, values):
        upper = ends[:, 0] <= ends[:, 1]
        ends, values, directed = ends[upper], values[upper], False
    elif directed and is_edge.any() and options.sides != 1 and options.sides is not None and not m:
        options.ask("has arcs, and edges that lead both ways: pass sides=1, directed=True")
    labels: np.ndarray | list[str] = numbers(n) + 1
    if names:
        labels = [names.get(i, str(i)) for i in range(1, n + 1)]
        if len(set(labels)) < n:
            options.ask(
                f"has several vertices named {next(x for x in labels if labels.count(x) > 1)!r}: make the names unique"
            )
    common: dict[str, Any] = {
        "format": "Pajek",
        "complete": True,
        "weights": values if options.weight is not None else None,
        "ignored": ["link values"] if options.weight is None and values.size and (values != 1).any() else [],
    }
    text = f"*Vertices {n}" + (f" {m}" if m else "") + "".join(f", {name}" for name in seen)
    if not m or options.sides == 1:
        if options.sides == 2 and not directed:
            options.ask(
                "has one kind of node and undirected links: pass sides=1, or write '*Vertices n m' for two kinds"
            )
        return Content(
            source=Column(ends[:, 0], labels), target=Column(ends[:, 1], labels), same_nodes=True, sides=1,
            declared=Declared(directed=directed and not m, text=text), **common,
        )  # fmt: skip
    ends = np.sort(ends, axis=1)
    if (ends[:, 0] >= m).any() or (ends[:, 1] < m).any():
        options.ask(
            f"declares vertices 1..{m} as one side, but links two vertices of the same side: pass sides=1, or correct "
            "the file"
        )
    sides = [Column(ends[:, 0], labels[:m]), Column(ends[:, 1] - m, labels[m:])]
    return Content(source=sides[0], target=sides[1], sides=2, declared=Declared(text=text), **common)


def _is_mirrored(ends: np.ndarray, values: np.ndarray) -> bool:
    there = {(a, b): value for (a, b), value in zip(map(tuple, ends.tolist()), values.tolist(), strict=True)}
    return all(there.get((b, a)) == value for (a, b), value in there.items())
