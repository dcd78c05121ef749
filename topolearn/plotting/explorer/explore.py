"""`explore`: an interactive page of a graph."""

import os
from typing import Any

from topolearn.graph import as_graph
from topolearn.plotting.explorer.page import Explorer
from topolearn.plotting.explorer.scene import scene_of


def explore(graph: Any, path: str | os.PathLike[str] | None = None) -> Explorer:
    """Return an interactive page for exploring the neurons and links of a graph.

    Parameters
    ----------
    graph : BipartiteGraph, Graph, LayeredNetwork, or anything that `as_graph` accepts
        The links of each layer are drawn between columns of neurons; adjacent layers share a column. The nodes of a
        one-mode graph form a ring.
    path : path, optional
        An HTML file to write the page to.

    Returns
    -------
    Explorer
        A notebook shows it; ``save(path)`` writes it. The page is self-contained and loads nothing.

    Raises
    ------
    InvalidTypeError
        When `graph` is not a graph.
    InvalidValueError
        When it has more links, neurons or layers than can be drawn; the message gives the limit.
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
