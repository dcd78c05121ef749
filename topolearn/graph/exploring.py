"""The `explore` method of graphs: it loads `topolearn.plotting`, which makes the page, on first use."""

import os
from pathlib import Path
from typing import Any, Protocol

from topolearn.task_registry import imported

EXPLORE = "topolearn.plotting.explorer:explore"  # by name, since plotting imports this package


class ExplorerPage(Protocol):
    """A page that a notebook displays."""

    @property
    def html(self) -> str:
        """The HTML of the page."""

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, and return its path."""

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook displays."""


def explore(graph: Any, path: str | os.PathLike[str] | None = None) -> ExplorerPage:
    """Return an interactive page of the neurons and links; it needs no internet connection.

    Parameters
    ----------
    path : path, optional
        An HTML file to write the page to.

    Returns
    -------
    Explorer
        A notebook displays it; ``save(path)`` writes it.

    Raises
    ------
    InvalidValueError
        When there are more links, neurons or layers than can be drawn; the message gives the limit.
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
