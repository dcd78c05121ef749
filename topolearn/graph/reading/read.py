"""`read_graph`: the one door for networks of others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from topolearn.errors import CorruptFileError, InvalidTypeError, InvalidValueError, TopolearnError
from topolearn.graph.bipartite import BipartiteGraph
from topolearn.graph.one_mode import Graph
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


def read_graph(
    path: str | os.PathLike[str] | pd.DataFrame,
    *,
    sides: Literal[1, 2] | None = None,
    format: str | None = None,
    sep: str | None = None,
    header: bool | None = None,
    source: str | int | None = None,
    target: str | int | None = None,
    weight: str | int | Literal[True] | None = None,
    index_base: Literal[0, 1] | None = None,
    directed: bool = False,
    duplicates: Literal["error", "merge"] = "error",
    self_loops: Literal["error", "drop"] = "error",
    comments: str = "#%",
    counts: Literal["believe", "ignore"] = "believe",
    encoding: str | None = None,
    progress: bool = False,
) -> Graph | BipartiteGraph:
    """Read a network from a file as people have it: a list of links, a matrix, .mtx, .gml, .graphml, .net, .npz, ...

    The format is found by content. What was understood is in ``graph.source``, in one line in ``graph.source.line``.
    Whatever can be read in two ways, or would be lost, is an error that names the options; nothing is dropped silently.

    Parameters
    ----------
    path : path or pandas.DataFrame
        A file, also packed (.gz, .bz2, .xz); or a table in memory.
    sides : {1, 2}, optional
        1 for one kind of node, a `Graph`; 2 for two kinds, a `BipartiteGraph`, with the first column of a list as
        inputs, or the columns of a matrix, whose rows are outputs. Default: what the file says, or what its names do.
    format : str, optional
        A name in `FORMATS`, such as ``"links"`` or ``"matrix"``. Default by content.
    sep : str, optional
        What parts columns, a blank for any blanks. Default by content.
    header : bool, optional
        Whether the first line names the columns. Default by content.
    source, target : str or int, optional
        The columns with the ends of each link, by name or by number from 0. Default those that are called so, else the
        first two.
    weight : str, int or True, optional
        The column or attribute to keep as ``graph.source.weights``, in the order of ``graph.edges()``; weights of links
        that are merged are added. True for the third column, the values of a matrix, or ``weight`` in .gml and
        .graphml. Default: weights are ignored, and the line says so.
    index_base : {0, 1}, optional
        Where integer ids begin, so that ids of nodes without links are nodes. Default: by the number of nodes in the
        file's header; without one, ids are names, and only linked ones are nodes.
    directed : bool
        For one kind of node: accept directed links, and read them without their direction, as one link where two lead
        both ways. By default a file that says it is directed, or that has both a-b and b-a, is asked about.
    duplicates : {"error", "merge"}
        Whether links may be repeated.
    self_loops : {"error", "drop"}
        Whether nodes may be linked to themselves; they are left out.
    comments : str
        The characters that begin a comment, at the beginning of a line.
    counts : {"believe", "ignore"}
        Whether the numbers of nodes and links in a header hold. If so, nodes without links exist.
    encoding : str, optional
        Default: by byte-order mark, else UTF-8, else Latin-1 or that of Windows.
    progress : bool
        Show a bar for reading that takes more than two seconds.

    Returns
    -------
    Graph or BipartiteGraph

    Raises
    ------
    InvalidValueError
        When the content can be read in two ways, or links would be lost, and no option decides; or an option does not
        fit the format.
    CorruptFileError
        When the file is broken, empty or no network; the message quotes the line.
    MissingFileError, InvalidTypeError, UnknownNameError
        When there is no such file, the path is none, or there is no such format.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "net.txt")
    >>> _ = path.write_text("# nodes 6 edges 3\\n0 1\\n1 2\\n0 2\\n")
    >>> graph = read_graph(path)
    >>> graph.n_nodes, graph.n_links
    (6, 3)
    >>> graph.source.line
    'net.txt: links, parted by blanks; one kind of node: 6 nodes (3 without a link), 3 links;
    header: nodes 6 edges 3; ids from 0; ignored: nothing'
    """
    given: dict[str, Any] = {
        "sides": sides, "format": format, "sep": sep, "header": header, "source": source, "target": target,
        "weight": weight, "index_base": index_base, "directed": directed, "duplicates": duplicates,
        "self_loops": self_loops, "comments": comments, "counts": counts, "encoding": encoding,
    }  # fmt: skip
    for name, choices in _CHOICES.items():
        if given[name] not in choices:
            known = ", ".join(map(repr, choices))
            raise InvalidValueError(f"{name}={given[name]!r} is none of {known}")
    if not isinstance(path, (str, os.PathLike)):
        return _read_frame(path, given)
    options = Options(path=Path(path).name, progress=progress, **given)
    return _read_file(Path(path), options, given)


def _read_file(path: Path, options: Options, given: dict[str, Any]) -> Graph | BipartiteGraph:
    data, name = unpacked(path)
    text = None if data.startswith((b"PK\x03\x04", b"\x93NUMPY")) else read_text(data, options)
    key = find_format(data if text is None else text.whole, name, options)
    _refuse_unused(key, given, FORMATS[key].options)
    try:
        content = FORMATS[key].read(data, text, options)
    except (TopolearnError, OSError, MemoryError):
        raise
    except Exception as error:  # parsers raise what they like on a broken file
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise CorruptFileError(f"{options.path!r} is not a whole file of the format {key!r} ({reason})") from error
    return content if isinstance(content, BipartiteGraph | Graph) else build(content, options)


def _read_frame(frame: Any, given: dict[str, Any]) -> Graph | BipartiteGraph:
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise InvalidTypeError(f"path={frame!r} is a {type(frame).__name__}: pass a path or a pandas DataFrame")
    _refuse_unused("frame", given, frozenset({"source", "target", "weight", "index_base"}))
    options = Options(path="frame", **given)
    return build(read_frame(frame, options), options)


def _refuse_unused(key: str, given: dict[str, Any], known: frozenset[str]) -> None:
    """Refuse options that have no meaning in a format, since they would be ignored."""
    default = Options(path="")
    for name in sorted(LINKS - known):
        if given[name] != getattr(default, name):
            raise InvalidValueError(f"{name}={given[name]!r} has no meaning in the format {key!r}: leave it out")
