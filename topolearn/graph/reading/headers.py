"""Parse the comments in which files declare their size and direction, as those of SNAP and KONECT do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from topolearn.graph.reading.content import Declared

_NODES = r"(?:nodes|vertices|actors)"
_LINKS = r"(?:edges|links|arcs|ties)"
_DIRECTION = r"(?:\W+(?P<un>un|non-?)?directed)?"
_COUNTS = [
    re.compile(rf"{_NODES}\W+(?P<nodes>\d[\d,]*)(?:\W+{_LINKS}\W+(?P<links>\d[\d,]*))?{_DIRECTION}\W*", re.IGNORECASE),
    re.compile(rf"{_LINKS}\W+(?P<links>\d[\d,]*)(?:\W+{_NODES}\W+(?P<nodes>\d[\d,]*))?{_DIRECTION}\W*", re.IGNORECASE),
    re.compile(
        rf"(?P<nodes>\d[\d,]*) {_NODES}(?:\W+(?:and )?(?P<links>\d[\d,]*) {_LINKS})?{_DIRECTION}\W*", re.IGNORECASE
    ),
]
_DIRECTED = re.compile(r"(?P<un>un)?directed(?: graph)?(?:\W.*)?", re.IGNORECASE)
_KONECT = re.compile(
    r"(?P<kind>sym|asym|bip)\s+(?P<weights>unweighted|positive|posweighted|signed|weighted|multi\w+|dynamic)"
)
_KONECT_COUNTS = re.compile(r"(\d+)\s+(\d+)(?:\s+(\d+))?")


def read_comments(comments: Sequence[str]) -> Declared:
    """Return what the comments of a file declare; prose declares nothing.

    Notes
    -----
    KONECT [1]_: ``% asym positive``, then ``% links nodes nodes``; ids begin at 1, and each line has two ids, then a
    weight and a time. SNAP [2]_: ``# Directed graph ...``, ``# Nodes: n Edges: m``.

    References
    ----------
    .. [1] J. Kunegis, KONECT: The Koblenz Network Collection, WWW 2013 Companion.
    .. [2] J. Leskovec, A. Krevl, SNAP Datasets, http://snap.stanford.edu/data.

    Examples
    --------
    >>> read_comments(["Nodes: 5242 Edges: 28980"]).n_nodes
    (5242,)
    >>> read_comments(["bip unweighted", "89 18 14"]).n_nodes
    (18, 14)
    """
    for i, comment in enumerate(comments[:3]):
        if match := _KONECT.fullmatch(comment):
            return _konect(match["kind"], match["weights"], comments[i + 1 : i + 2])
    n_nodes = n_links = directed = None
    said = []
    for comment in comments:
        match = next(filter(None, (pattern.fullmatch(comment) for pattern in _COUNTS)), None)
        if match is None and (direction := _DIRECTED.fullmatch(comment)):
            directed = direction["un"] is None
            said.append("undirected" if direction["un"] else "directed")
        if match is None:
            continue
        n_nodes = _integer(match["nodes"]) if match["nodes"] else n_nodes
        n_links = _integer(match["links"]) if match["links"] else n_links
        if "directed" in comment.lower():
            directed = match["un"] is None
        said.append(comment)
    return Declared(
        n_nodes=None if n_nodes is None else (n_nodes,),
        n_links=n_links,
        sides=None if n_nodes is None and directed is None else 1,
        directed=directed,
        text=", ".join(said) or None,
    )


def _konect(kind: str, weights: str, more: Sequence[str]) -> Declared:
    counts = _KONECT_COUNTS.fullmatch(more[0]) if more else None
    n_links = n_nodes = None
    said = ""
    if counts:
        n_links = int(counts[1])
        n_nodes = (int(counts[2]), int(counts[3] or counts[2])) if kind == "bip" else (int(counts[2]),)
        said = f", {n_links:,} links between {' and '.join(map(str, n_nodes))} nodes"
    return Declared(
        n_nodes=n_nodes,
        n_links=n_links,
        first_id=1,
        sides=2 if kind == "bip" else 1,
        directed={"sym": False, "asym": True, "bip": None}[kind],
        multiple=weights in ("positive", "multiposweighted", "dynamic"),
        names=("from", "to", "weight", "time"),
        text=f"KONECT {kind} {weights}{said}",
    )


def _integer(text: str) -> int:
    return int(text.replace(",", ""))
