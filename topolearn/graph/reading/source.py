"""Where a graph comes from: how `read_graph` interpreted a file, as fields and in one line."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Source:
    """How `read_graph` interpreted a file; ``graph.source`` of the graphs that it returns.

    Parameters
    ----------
    path : str
        The name of the file, or ``"frame"``.
    format : str
        The format, such as ``"links separated by commas"``.
    sides : int
        Number of kinds of nodes: 1 for a `Graph`, 2 for a `BipartiteGraph`.
    n_nodes : tuple of int
        Number of nodes of each kind; inputs first if there are two.
    n_isolated : int
        Number of nodes without a link.
    n_links : int
        Number of links.
    header : str, optional
        What the file declares: its column names, or its numbers of nodes and links.
    ignored : tuple of str
        What the graph does not keep: other columns, comments, merged links, dropped self-loops, directions.
    decided : tuple of str
        What was inferred from the content, such as where ids begin.
    weights : array of float64, shape (n_links,), optional
        The weights that ``weight=`` selected, in the order of ``graph.edges()``.

    Examples
    --------
    >>> Source(path="net.csv", format="links", sides=1, n_nodes=(3,), n_links=2, ignored=("column 'year'",)).line
    "net.csv: links; one kind of node: 3 nodes, 2 links; ignored: column 'year'"
    """

    path: str
    format: str
    sides: int
    n_nodes: tuple[int, ...]
    n_links: int
    n_isolated: int = 0
    header: str | None = None
    ignored: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()
    weights: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)

    @property
    def line(self) -> str:
        """A summary in one line, as commands print it."""
        if self.sides == 1:
            nodes = f"one kind of node: {self.n_nodes[0]:,} nodes"
        else:
            nodes = f"two kinds of nodes: {self.n_nodes[0]:,} inputs x {self.n_nodes[1]:,} outputs"
        isolated = f" ({self.n_isolated:,} without a link)" if self.n_isolated else ""
        said = f"{nodes}{isolated}, {self.n_links:,} {'link' if self.n_links == 1 else 'links'}"
        header = [f"header: {self.header}"] if self.header else []
        ignored = ", ".join(self.ignored) or "nothing"
        line = "; ".join([f"{self.path}: {self.format}", said, *header, *self.decided, f"ignored: {ignored}"])
        return " ".join(line.split())  # names may contain line breaks or tabs

    def __str__(self) -> str:
        return self.line
