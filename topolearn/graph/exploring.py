"""The way from a graph to its page, which `topolearn.plotting` makes: it is loaded by the first who asks for one."""

import os
from pathlib import Path
from typing import Any, Protocol

from topolearn.task_registry import imported

EXPLORE = "topolearn.plotting.explorer:explore"  # a room above this one, which imports graphs itself


class ExplorerPage(Protocol):
    """A page that shows itself in a notebook."""

    @property
    def html(self) -> str:
        """The whole page."""

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page; return its path."""

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""


def explore(graph: Any, path: str | os.PathLike[str] | None = None) -> ExplorerPage:
    """Return a page on which neurons and links are looked at one by one; it opens without a network.

    Parameters
    ----------
    path : path, optional
        An HTML file to write it to.

    Returns
    -------
    Explorer
        A notebook shows it; ``save(path)`` writes it.

    Raises
    ------
    InvalidValueError
        When there are more links, neurons or layers than can be drawn; the message says how many can.
    MissingFileError
        When the directory of `path` does not exist.

    Examples
    --------
    >>> from topolearn.graph import BipartiteGraph
    >>> BipartiteGraph.from_edges([(0, 0), (2, 1)], n_in=3, n_out=2).explore()
    Explorer(5 neurons, 2 links): save(path) writes the page, a notebook shows it
    """
    page: ExplorerPage = imported(EXPLORE)(graph, path)
    return page
