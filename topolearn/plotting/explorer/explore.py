"""`explore`: a graph as a page that one can look around in."""

import os
from typing import Any

from topolearn.graph import as_graph
from topolearn.plotting.explorer.page import Explorer
from topolearn.plotting.explorer.scene import scene_of


def explore(graph: Any, path: str | os.PathLike[str] | None = None) -> Explorer:
    """Return a page on which neurons and links of a graph are looked at one by one.

    Parameters
    ----------
    graph : BipartiteGraph, Graph, LayeredNetwork, or what `as_graph` takes
        The layers of a network stand between columns of neurons, and those that meet share a column. Nodes of one kind
        stand in a ring.
    path : path, optional
        An HTML file to write it to.

    Returns
    -------
    Explorer
        A notebook shows it; ``save(path)`` writes it. It is self-contained, and loads nothing.

    Raises
    ------
    InvalidTypeError
        When `graph` is none.
    InvalidValueError
        When it has more links, neurons or layers than can be drawn; the message says how many can.
    MissingFileError
        When the directory of `path` does not exist.

    Examples
    --------
    >>> import networkx as nx
    >>> explore(nx.karate_club_graph())
    Explorer(34 nodes, 78 links): save(path) writes the page, a notebook shows it
    """
    page = Explorer(scene_of(as_graph(graph)))
    if path is not None:
        page.save(path)
    return page
