"""The formats of `read_graph`, each recognised by its content."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from topolearn.graph.bipartite.graph import BipartiteGraph
from topolearn.graph.one_mode.graph import Graph
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
    """A file format.

    Parameters
    ----------
    read : callable
        ``read(data, text, options)`` returns the content or a graph; `text` is None for binary files.
    looks_like : callable
        Takes the first bytes of a file; returns whether the file has this format.
    suffixes : tuple of str
        File suffixes that belong to this format alone.
    options : frozenset of str
        The options that apply to this format, in addition to those that apply to all formats.
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
    rb"\s*(?:<\?xml[^>]*>\s*)?<gexf": "a GEXF file: convert it with networkx.read_gexf and networkx.write_graphml",
    rb"\s*(?:<!doctype html|<html)": "a web page: download the file itself",
    rb"\s*<": "an XML file but not GraphML: export the network as .graphml or .csv",
    rb"\s*[\[{]\s*[\"\[{]": "a JSON file: read it with json.load, and pass its links to read_graph as a DataFrame",
    rb"\s*dl\s+n\s*=": "a UCINET DL file: export it as a .csv matrix or as a Pajek .net file",
}


def find_format(head: bytes, name: str, options: Options) -> str:
    """Return the name of a file's format, inferred from its first bytes; its suffix must not contradict them.

    Raises
    ------
    CorruptFileError, UnknownNameError
        When the format is not supported, the suffix belongs to another format than the content, or the requested format
        does not exist.
    """
    if options.format is not None:
        FORMATS[options.format]
        return options.format
    lower = name.lower()
    seen = next(key for key, each in FORMATS.items() if each.looks_like(head))
    for pattern, what in _OTHERS.items():
        if seen == "links" and re.match(pattern, head, re.IGNORECASE):
            options.reject(f"is {what}")
    for key, each in FORMATS.items():
        if lower.endswith(each.suffixes) and each.suffixes and key != seen:
            first = head.split(b"\n")[0][:60].decode("utf-8", "replace")
            options.reject(
                f"has the suffix of a {key!r} file but begins with {first!r}: pass format='links' or format='matrix' "
                "if it is a list of links or a matrix, or download or export it again"
            )
    return seen
