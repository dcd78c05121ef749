"""Text files with one link per line, in columns."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import numpy as np

from topolearn.graph.reading.columns import find_places
from topolearn.graph.reading.content import Content, Options, counted
from topolearn.graph.reading.dialect import Dialect, find_dialect
from topolearn.graph.reading.header_row import is_header
from topolearn.graph.reading.headers import read_comments
from topolearn.graph.reading.table import Table, read_table
from topolearn.graph.reading.text import Text
from topolearn.graph.reading.text_matrix import read_text_matrix

SAMPLE = 1000  # rows from which the dialect is inferred
_BRACES = re.compile(rb"[ \t]*(\{[^{}\n]*\})[ \t]*$", re.MULTILINE)  # as networkx writes the data of a link


def read_delimited(text: Text, options: Options) -> Content:
    """Return the links or the matrix in a text file of columns."""
    lines = list(text.numbered(SAMPLE))
    if not lines:
        marks = " or ".join(options.comments)
        hint = f"; if names begin with {marks}, pass comments=''" if marks else ""
        options.reject(f"has no links: every line is blank or a comment{hint}")
    braces = _BRACES.findall(text.rows) if lines[0][1].rstrip().endswith("}") else []
    if braces:
        text = replace(text, whole=_BRACES.sub(b"", text.whole), rows=_BRACES.sub(b"", text.rows))
        lines = list(text.numbered(SAMPLE))
    dialect = find_dialect(lines, options)
    if not braces and (matrix := read_text_matrix(text, dialect, options)) is not None:
        return matrix
    content = _read_links(text, dialect, replace(options, weight=None) if braces else options)
    if not braces:
        return content
    if options.weight is None:
        return replace(content, ignored=(*content.ignored, "data in braces"))
    if len(braces) != content.source.codes.size:
        options.reject(
            f"has data in braces on only {len(braces)} of {content.source.codes.size} lines: leave out weight="
        )
    return replace(content, weights=_weights_in(braces, options))


def _read_links(text: Text, dialect: Dialect, options: Options) -> Content:
    declared = read_comments(text.comments)
    rows = [row for _, row in dialect.rows]
    header = is_header(rows[0], rows[1:]) if options.header is None else options.header
    names, below = (rows[0], rows[1:]) if header else (None, rows)
    if not below:
        options.reject("has no links: its only line is a header; if that line is a link, pass header=False")
    places = find_places(names, below, declared, options)
    table = read_table(text, dialect, places, options, n_header=1 if header else 0)
    if header is None:
        _ask_about_header(rows[0], places.source, places.target, table, options)
    if "directed" in table.types or table.types == {"undirected"}:  # a single directed link makes the network directed
        kinds = " and ".join(sorted(filter(None, table.types)))
        declared = replace(declared, directed="directed" in table.types, text=f"column 'Type' is {kinds}")
    ignored = list(places.ignored)
    unused = len(text.comments) - (0 if declared.text is None else len(declared.text.split(", ")))
    if text.n_late:
        ignored += [f"{comments} among the links" for comments in counted(text.n_late, "comment")]
    elif unused > 0 and declared.text is None:
        ignored += counted(unused, "comment")
    return Content(
        format=f"links separated by {dialect.name}" + _encoding(text),
        source=table.source,
        target=table.target,
        declared=replace(declared, text=_header_text(names, declared.text)),
        weights=table.weights,
        ignored=ignored,
        decided=places.decided,
    )


def _encoding(text: Text) -> str:
    return "" if text.encoding in ("ASCII", "UTF-8", "utf-8") else f", in {text.encoding}"


def _header_text(names: list[str] | None, said: str | None) -> str | None:
    columns = f"columns {', '.join(map(repr, names))}" if names else None
    return "; ".join(filter(None, (columns, said))) or None


def _ask_about_header(first: list[str], source: int, target: int, table: Table, options: Options) -> None:
    """Ask whether the first row names the columns, unless one of its names also appears in another row."""
    for column in (table.source, table.target):
        if np.count_nonzero(column.codes == column.codes[0]) > 1:
            return
    options.ask(
        f"begins with {first[source]!r} and {first[target]!r}, which appear nowhere else: pass header=True if they are "
        "column names, or header=False if they are a link"
    )


def _weights_in(braces: list[bytes], options: Options) -> np.ndarray:
    try:
        return np.array([float(ast.literal_eval(data.decode())[options.weight]) for data in braces])
    except (KeyError, ValueError, SyntaxError, TypeError):
        options.ask(
            f"does not have a number weight={options.weight!r} in the braces of every line; the first line has "
            f"{braces[0].decode()}"
        )
