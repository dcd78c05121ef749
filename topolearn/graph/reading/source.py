"""Where a graph comes from: what `read_graph` understood of a file, in one line and in fields."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Source:
    """What `read_graph` understood of a file; ``graph.source`` of the graphs that it returns.

    Parameters
    ----------
    path : str
        The file, or ``"a frame"``.
    format : str
        What kind of file it is, such as ``"links, parted by commas"``.
    sides : int
        Kinds of nodes: 1 for a `Graph`, 2 for a `BipartiteGraph`.
    n_nodes : tuple of int
        Nodes of each kind; of two kinds the inputs first.
    n_isolated : int
        How many of them have no link.
    n_links : int
        Number of links.
    header : str, optional
        What the file says of itself: its column names, or its own counts of nodes and links.
    ignored : tuple of str
        What the file has and the graph has not: other columns, comments, merged links, dropped self-loops, directions.
    decided : tuple of str
        What was read off the content and not said by anybody, such as the separator or where ids begin.
    weights : array of float64, shape (n_links,), optional
        What ``weight=`` kept, in the order of ``graph.edges()``.

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
        """All of it in one line, as commands print it."""
        if self.sides == 1:
            nodes = f"one kind of node: {self.n_nodes[0]:,} nodes"
        else:
            nodes = f"two kinds of nodes: {self.n_nodes[0]:,} inputs x {self.n_nodes[1]:,} outputs"
        isolated = f" ({self.n_isolated:,} without a link)" if self.n_isolated else ""
        said = f"{nodes}{isolated}, {self.n_links:,} links"
        header = [f"header: {self.header}"] if self.header else []
        ignored = ", ".join(self.ignored) or "nothing"
        line = "; ".join([f"{self.path}: {self.format}", said, *header, *self.decided, f"ignored: {ignored}"])
        return " ".join(line.split())  # names may hold what is not a blank

    def __str__(self) -> str:
        return self.line
