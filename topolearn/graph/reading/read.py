"""`read_graph`: read a network from any common file format."""

from __future__ import annotations

import os
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from topolearn.errors import CorruptFileError, InvalidTypeError, InvalidValueError, TopolearnError
from topolearn.graph.bipartite.graph import BipartiteGraph
from topolearn.graph.one_mode.graph import Graph
from topolearn.graph.reading.build import build
from topolearn.graph.reading.content import Options
from topolearn.graph.reading.formats import FORMATS, LINKS, find_format
from topolearn.graph.reading.frame import read_frame
from topolearn.graph.reading.opened import unpacked
from topolearn.graph.reading.text import read_text

if TYPE_CHECKING:
    import pandas as pd

_CHOICES: dict[str, tuple[Any, ...]] = {
    "sides": (None, 1, 2),
    "header": (None, True, False),
    "index_base": (None, 0, 1),
    "directed": (False, True),
    "duplicates": ("error", "merge"),
    "self_loops": ("error", "drop"),
    "counts": ("believe", "ignore"),
}
_TEXTS = ("format", "sep", "comments", "encoding")


def read_graph(
    path: str | os.PathLike[str] | pd.DataFrame,
    *,
    sides: Literal[1, 2] | None = None,
    format: str | None = None,
    sep: str | None = None,
    header: bool | None = None,
    source: str | int | None = None,
    target: str | int | None = None,
    weight: str | int | bool | None = None,
    index_base: Literal[0, 1] | None = None,
    directed: bool = False,
    duplicates: Literal["error", "merge"] = "error",
    self_loops: Literal["error", "drop"] = "error",
    comments: str = "#%",
    counts: Literal["believe", "ignore"] = "believe",
    encoding: str | None = None,
    progress: bool = False,
) -> Graph | BipartiteGraph:
    """Read a network from a file: a list of links, a matrix, .mtx, .gml, .graphml, .net, .npz, ...

    The format is inferred from the content. ``graph.source`` records how the file was interpreted, and
    ``graph.source.line`` sums it up in one line. If the content is ambiguous, or links would be lost, an error names
    the options that decide; nothing is dropped silently.

    Parameters
    ----------
    path : path or pandas.DataFrame
        A file, which may be compressed (.gz, .bz2, .xz), or a table in memory.
    sides : {1, 2}, optional
        1 for one kind of node, a `Graph`; 2 for two kinds, a `BipartiteGraph`. Its inputs are the first column of a
        list, or the columns of a matrix, whose rows are the outputs. By default, inferred from the file.
    format : str, optional
        A name in `FORMATS`, such as ``"links"`` or ``"matrix"``. By default, inferred from the content.
    sep : str, optional
        The column separator; ``" "`` stands for any whitespace. By default, inferred from the content.
    header : bool, optional
        Whether the first line names the columns. By default, inferred from the content.
    source, target : str or int, optional
        The columns with the ends of each link, by name or by number, counting from 0. By default, a usual pair of names
        such as ``source`` and ``target``, else the first two columns.
    weight : str, int or bool, optional
        The column or attribute to keep as ``graph.source.weights``, in the order of ``graph.edges()``; the weights of
        merged links are summed. True stands for the third column, the values of a matrix, or ``weight`` in .gml and
        .graphml. False stands for none: by default, weights are ignored and reported as such in ``graph.source.line``.
    index_base : {0, 1}, optional
        The first integer id. Every number from there on is a node, linked or not. By default, it is inferred from the
        number of nodes in the file's header; without a header, ids are names, and only linked ones are nodes.
    directed : bool
        For one kind of node: accept directed links and ignore their directions; a-b and b-a become one link. By
        default, a file that declares directed links, or has both a-b and b-a, raises an error.
    duplicates : {"error", "merge"}
        What to do about repeated links.
    self_loops : {"error", "drop"}
        What to do about nodes linked to themselves.
    comments : str
        The characters that start a comment line.
    counts : {"believe", "ignore"}
        Whether to trust the numbers of nodes and links in a header. If so, it may declare nodes without links.
    encoding : str, optional
        The text encoding. By default, that of the byte-order mark, else UTF-8, else Latin-1 or Windows-1252.
    progress : bool
        Show a progress bar if reading takes more than two seconds.

    Returns
    -------
    Graph or BipartiteGraph

    Raises
    ------
    InvalidValueError
        When the content is ambiguous, or links would be lost, and no option decides; or when an option does not apply
        to the format.
    CorruptFileError
        When the file is damaged, empty or not a network; the message quotes the line.
    MissingFileError, InvalidTypeError, UnknownNameError
        When the file does not exist, `path` or an option is of another type, or the format is unknown.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "net.txt")
    >>> _ = path.write_text("# nodes 6 edges 3\\n0 1\\n1 2\\n0 2\\n")
    >>> graph = read_graph(path)
    >>> graph.n_nodes, graph.n_links
    (6, 3)
    >>> graph.source.line
    'net.txt: links separated by whitespace; one kind of node: 6 nodes (3 without a link), 3 links;
    header: nodes 6 edges 3; ids from 0; ignored: nothing'
    """
    given: dict[str, Any] = {
        "sides": sides, "format": format, "sep": sep, "header": header, "source": source, "target": target,
        "weight": weight, "index_base": index_base, "directed": directed, "duplicates": duplicates,
        "self_loops": self_loops, "comments": comments, "counts": counts, "encoding": encoding,
    }  # fmt: skip
    _check(given)
    given |= {name: _column(name, given[name]) for name in ("source", "target", "weight")}
    if not isinstance(path, (str, os.PathLike)):
        return _read_frame(path, given)
    options = Options(path=Path(path).name, progress=progress, **given)
    return _read_file(Path(path), options, given)


def _check(given: dict[str, Any]) -> None:
    """Raise an error for an option of the wrong type, which would be misread."""
    for name, choices in _CHOICES.items():
        if not any(_is_same(given[name], choice) for choice in choices):
            known = ", ".join(map(repr, choices))
            raise InvalidValueError(f"{name}={given[name]!r} must be one of {known}")
    for name in _TEXTS:
        if not isinstance(given[name], str | None) or (name == "comments" and given[name] is None):
            empty = ", '' for none" if name == "comments" else " or None"
            raise InvalidTypeError(f"{name}={given[name]!r} must be a string{empty}")


def _column(name: str, given: Any) -> str | int | None:
    """Return the name or number of a column; weight=True stays, and weight=False is None."""
    if name == "weight" and isinstance(given, bool):
        return given or None
    if isinstance(given, bool) or not isinstance(given, str | Integral | None):
        raise InvalidTypeError(f"{name}={given!r} must be the name of a column, or its number, counting from 0")
    return int(given) if isinstance(given, Integral) else given


def _is_same(value: Any, choice: Any) -> bool:
    """Return whether a value is a choice; True is not 1, and an array is none."""
    if isinstance(choice, bool):
        return isinstance(value, bool | np.bool_) and value == choice
    if choice is None:
        return value is None
    return isinstance(value, str | Integral) and not isinstance(value, bool) and value == choice


def _read_file(path: Path, options: Options, given: dict[str, Any]) -> Graph | BipartiteGraph:
    data, name = unpacked(path)
    text = None if data.startswith((b"PK\x03\x04", b"\x93NUMPY")) else read_text(data, options)
    key = find_format(data if text is None else text.whole, name, options)
    _reject_unused(f"the format {key!r}", given, FORMATS[key].options)
    try:
        content = FORMATS[key].read(data, text, options)
    except (TopolearnError, OSError, MemoryError):
        raise
    except Exception as error:  # parsers raise anything on a damaged file
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise CorruptFileError(f"{options.path!r} is not a valid file of the format {key!r} ({reason})") from error
    return content if isinstance(content, BipartiteGraph | Graph) else build(content, options)


def _read_frame(frame: Any, given: dict[str, Any]) -> Graph | BipartiteGraph:
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise InvalidTypeError(f"path={frame!r} is a {type(frame).__name__}: pass a path or a pandas DataFrame")
    _reject_unused("a DataFrame", given, frozenset({"source", "target", "weight", "index_base"}))
    options = Options(path="frame", **given)
    return build(read_frame(frame, options), options)


def _reject_unused(what: str, given: dict[str, Any], known: frozenset[str]) -> None:
    """Reject options that do not apply to a format, since they would be ignored."""
    default = Options(path="")
    for name in sorted(LINKS - known):
        if given[name] != getattr(default, name):
            raise InvalidValueError(f"{name}={given[name]!r} does not apply to {what}: leave it out")
