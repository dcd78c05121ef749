"""Topologies side by side: their adjacencies in the same order, and their degrees with the same limits."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure, SubFigure

from topolearn.diagnostics import GraphLike
from topolearn.diagnostics.reading import read_single
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.plotting.adjacency import adjacency
from topolearn.plotting.degrees import degree_distribution
from topolearn.plotting.drawing.style import figure_or_new, style_for
from topolearn.plotting.order import Order

MOST = 6  # the largest number of topologies that remain readable side by side
WIDTH, HEIGHT = 3.6, 6.2  # inches per topology


def side_by_side(
    graphs: Mapping[str, GraphLike], figure: Figure | SubFigure | None = None, *, order: Order | None = None
) -> Figure | SubFigure:
    """Plot several topologies side by side, with the adjacency of each above its degree distribution.

    Parameters
    ----------
    graphs : mapping of str to BipartiteGraph, Graph, or graphs convertible to one
        Up to six graphs by their titles, such as ``{"before": first, "after": last}``.
    figure : Figure or SubFigure, optional
        Where to draw; default a new figure.
    order : {"degree", "community"}, or sequences, optional
        The order of the neurons, as for `adjacency`; "degree" and "community" are computed for each graph.

    Returns
    -------
    Figure or SubFigure
        With two rows of axes; all degree distributions have the same limits.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `graphs` is not a mapping, is empty, or has more than six graphs.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> layers = {"random": make("er", 60, 60, 0.1, seed=0), "small world": make("bsw", 60, 60, 0.1, seed=0)}
    >>> [ax.get_title(loc="left").split("\\n")[0] for ax in side_by_side(layers).axes[:2]]
    ['random', 'small world']
    """
    if not isinstance(graphs, Mapping):
        raise InvalidTypeError(f"graphs is a {type(graphs).__name__}: pass a mapping of names to graphs")
    if not 1 <= len(graphs) <= MOST:
        raise InvalidValueError(f"{len(graphs)} graphs: pass 1 to {MOST}, since more are unreadable side by side")
    known = {str(name): read_single(graph, "side_by_side") for name, graph in graphs.items()}
    with style_for(figure):
        figure = figure_or_new(figure, width=WIDTH * len(known), height=HEIGHT)
        above, below = np.asarray(figure.subplots(2, len(known), squeeze=False, height_ratios=(1.25, 1.0)))
        for (name, graph), upper, lower in zip(known.items(), above, below, strict=True):
            adjacency(graph, upper, title=name, order=order)
            degree_distribution(graph, lower)
            lower.set_title("")
        for ax in (*above[1:], *below[1:]):
            ax.set_ylabel("")
        limits = np.array([[*ax.get_xlim(), *ax.get_ylim()] for ax in below])
        for ax in below:
            ax.set(xlim=(limits[:, 0].min(), limits[:, 1].max()), ylim=(limits[:, 2].min(), limits[:, 3].max()))
    return figure
