"""Convert one-mode graphs from and to pandas DataFrames. These functions are methods of `Graph`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from topolearn.errors import InvalidValueError
from topolearn.graph.bipartite.frames import check_frame, rows_of_frame
from topolearn.graph.checks import pairs_of
from topolearn.graph.one_mode.pairs import reject_repeated, symmetrised

if TYPE_CHECKING:
    import pandas as pd

    from topolearn.graph.one_mode.graph import Graph


def to_frame(graph: Graph) -> pd.DataFrame:
    """Return a table of the links, in the order of `edges`, with names if the graph has any.

    The number of nodes and their names are in ``frame.attrs``, so that `from_frame` restores the same graph.

    Examples
    --------
    >>> from topolearn.graph import Graph
    >>> Graph([(0, 1), (1, 2)], 3, names=["ann", "bob", "cat"]).to_frame()
       node  other node_name other_name
    0     0      1       ann        bob
    1     1      2       bob        cat
    """
    import pandas as pd

    frame = pd.DataFrame(graph.edges(), columns=["node", "other"])
    if graph.names is not None:
        for column in ("node", "other"):
            frame[f"{column}_name"] = [graph.names[i] for i in frame[column]]
    frame.attrs.update(describe(graph))
    return frame


def from_frame(
    cls: type[Graph],
    frame: pd.DataFrame,
    n_nodes: int | None = None,
    *,
    names: Iterable[str] | None = None,
    source: str = "node",
    target: str = "other",
    symmetrise: bool = False,
) -> Graph:
    """Make a one-mode graph from two columns of a table, with one row for each link.

    Parameters
    ----------
    frame : pandas.DataFrame
    n_nodes : int, optional
        Number of nodes, if the columns hold node numbers from 0. By default taken from ``frame.attrs``, where
        `to_frame` puts it.
    names : sequence of str, optional
        One name for each node. By default taken from ``frame.attrs``, or from columns of names in order of first
        appearance; pass names to set another order or to add nodes without links.
    source, target : str
        The columns that hold the ends of each link.
    symmetrise : bool
        Accept rows in both directions: a link in either direction becomes a link.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `frame` is not a DataFrame, a column is missing, the number of nodes is unknown, or a row is out of range
        or repeated.

    Examples
    --------
    >>> import pandas as pd
    >>> from topolearn.graph import Graph
    >>> friends = pd.DataFrame({"source": ["ann", "bob"], "target": ["bob", "cat"]})
    >>> Graph.from_frame(friends, source="source", target="target").names
    ('ann', 'bob', 'cat')
    """
    check_frame(frame)
    for column in (source, target):
        if column not in frame:
            raise InvalidValueError(
                f"column {column!r} is not in {list(frame.columns)}: pass from_frame(frame, source=, target=)"
            )
    names = frame.attrs.get("names") if names is None else names
    ends = frame[[source, target]]
    if not all(dtype.kind in "iuf" for dtype in ends.dtypes):
        return from_pairs(cls, ends.itertuples(index=False, name=None), names=names, symmetrise=symmetrise)
    n_nodes = frame.attrs.get("n_nodes") if n_nodes is None else n_nodes
    if n_nodes is None:
        raise InvalidValueError(
            "n_nodes is not in frame.attrs: pass from_frame(frame, n_nodes=), or use names with frame.astype(str)"
        )
    edges = rows_of_frame(ends)
    return cls(symmetrised(edges) if symmetrise else edges, n_nodes, names=names)


def from_pairs(
    cls: type[Graph],
    pairs: Iterable[tuple[str, str]],
    *,
    names: Iterable[str] | None = None,
    symmetrise: bool = False,
) -> Graph:
    """Make a one-mode graph from the names of linked nodes.

    Parameters
    ----------
    pairs : iterable of (str, str)
    names : sequence of str, optional
        All nodes in order, including those without links. By default, the linked ones in order of first appearance.
    symmetrise : bool
        Accept pairs in both directions: a link in either direction becomes a link.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When there is no pair, an entry is not a pair of names (a string is none), a name is not among `names`, or a
        link appears twice.

    Examples
    --------
    >>> from topolearn.graph import Graph
    >>> Graph.from_pairs([("ann", "bob"), ("bob", "cat")]).degrees
    array([1, 2, 1])
    """
    given = pairs_of(pairs, "node, other")
    if not given and names is None:
        raise InvalidValueError("there are no pairs: a graph needs at least one link, or names of its nodes")
    known = list(dict.fromkeys(name for pair in given for name in pair) if names is None else names)
    number = {name: i for i, name in enumerate(known)}
    for i, pair in enumerate(given):
        for name in pair:
            if name not in number:
                raise InvalidValueError(f"entry {i} is {pair!r}: {name!r} is not among the {len(known)} names")
    edges: Any = [(number[a], number[b]) for a, b in given]
    once = "pass each pair once, as after dict.fromkeys(pairs) or frame.drop_duplicates()"
    reject_repeated(edges, known, once, directed=True)
    if not symmetrise:
        reject_repeated(edges, known, "pass symmetrise=True to accept both directions of a link", directed=False)
    return cls(symmetrised(edges) if symmetrise else edges, len(known), names=known)


def describe(graph: Graph) -> dict[str, Any]:
    """Return the number of nodes and their names, ready for JSON."""
    return {"n_nodes": graph.n_nodes, "names": graph.names and list(graph.names)}
