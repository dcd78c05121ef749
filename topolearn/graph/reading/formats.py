"""What `read_graph` reads: one row for each format, found by content."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from topolearn.graph.bipartite import BipartiteGraph
from topolearn.graph.one_mode import Graph
from topolearn.graph.reading import own
from topolearn.graph.reading.arrays import read_arrays
from topolearn.graph.reading.content import Content, Options
from topolearn.graph.reading.delimited import read_delimited
from topolearn.graph.reading.matrix_market import read_matrix_market
from topolearn.graph.reading.networkx_formats import read_gml, read_graphml
from topolearn.graph.reading.pajek import read_pajek
from topolearn.graph.reading.text import Text, read_text
from topolearn.registry import Registry

LINKS = {"sep", "header", "source", "target", "index_base", "comments", "counts", "encoding", "weight"}


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Parameters
    ----------
    read : callable
        ``read(data, text, options)`` returns the content, or a graph; `text` is None for bytes that are not text.
    looks_like : callable
        Whether a file is of this kind, by the beginning of its bytes.
    suffixes : tuple of str
        What names of such files end with, and those of no other kind.
    options : frozenset of str
        The options that have a meaning here, besides those of all formats.
    """

    read: Callable[[bytes, Text | None, Options], Content | BipartiteGraph | Graph]
    looks_like: Callable[[bytes], bool]
    suffixes: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()


def _of_text(read: Callable[[Text, Options], Content]) -> Callable[[bytes, Text | None, Options], Content]:
    def of_text(data: bytes, text: Text | None, options: Options) -> Content:
        return read(text if text is not None else read_text(data, options), options)

    return of_text


def _starts(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda head: compiled.match(head) is not None


def _is_array(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"\x93NUMPY"))


_SKIPPED = rb"(?:[ \t]*(?:[%#][^\n]*)?\n)*\s*"

FORMATS: Registry[Format] = Registry(
    "format",
    {
        "saved": Format(own.read_csv, _starts(rb'# \{[^\n]*"n_links"[^\n]*\r?\n(?:input,output|node,other)\r?\n')),
        "arrays": Format(
            lambda data, text, options: read_arrays(data, options), _is_array, (".npz", ".npy"), frozenset({"weight"})
        ),
        "matrix market": Format(
            _of_text(read_matrix_market), _starts(rb"%%MatrixMarket"), (".mtx",), frozenset({"weight", "encoding"})
        ),
        "graphml": Format(
            lambda data, text, options: read_graphml(data, options),
            _starts(rb"\s*(?:<\?xml[^>]*>|<!--.*?-->|\s)*<graphml"), (".graphml",), frozenset({"weight"}),
        ),
        "pajek": Format(
            _of_text(read_pajek), _starts(_SKIPPED + rb"\*(?:network|vertices)"), (".net", ".paj"),
            frozenset({"weight", "encoding"}),
        ),
        "gml": Format(
            _of_text(read_gml),
            _starts(rb"(?:\s*(?:#[^\n]*|Creator[^\n]*|Version[^\n]*|comment[^\n]*)\n)*\s*graph\s*\["), (".gml",),
            frozenset({"weight", "encoding"}),
        ),
        "matrix": Format(_of_text(read_delimited), lambda head: False, (), frozenset(LINKS - {"source", "target"})),
        "links": Format(_of_text(read_delimited), lambda head: True, (), frozenset(LINKS)),
    },
)  # fmt: skip

_OTHERS = {
    rb"\s*(?:<\?xml[^>]*>\s*)?<gexf": "GEXF: write networkx.read_gexf(path) by networkx.write_graphml",
    rb"\s*(?:<!doctype html|<html)": "a web page: fetch the file itself",
    rb"\s*<": "XML and no GraphML: export it as .graphml or .csv",
    rb"\s*[\[{]\s*[\"\[{]": "JSON: read it with json.load, and pass pandas.DataFrame(its links) to read_graph",
    rb"\s*dl\s+n\s*=": "UCINET's DL: export it as a matrix in .csv, or as Pajek's .net",
}


def find_format(head: bytes, name: str, options: Options) -> str:
    """Return the name of the format of a file, by its beginning; its suffix may not say another.

    Raises
    ------
    CorruptFileError, UnknownNameError
        When it is of a kind that is not read, its suffix is of another format than its content, or the one that was
        asked for does not exist.
    """
    if options.format is not None:
        FORMATS[options.format]
        return options.format
    lower = name.lower()
    seen = next(key for key, each in FORMATS.items() if each.looks_like(head))
    for pattern, what in _OTHERS.items():
        if seen == "links" and re.match(pattern, head, re.IGNORECASE):
            options.refuse(f"is {what}")
    for key, each in FORMATS.items():
        if lower.endswith(each.suffixes) and each.suffixes and key != seen:
            first = head.split(b"\n")[0][:60].decode("utf-8", "replace")
            options.refuse(
                f"is named like {key} and begins with {first!r}: pass format='links' or format='matrix' if it is "
                "one, else fetch or write it again"
            )
    return seen
