"""Topology updates during training."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from topolearn.checks import check_share
from topolearn.plotting.curves import FRACTIONS, draw_over, in_words
from topolearn.plotting.drawing.style import (
    axes_or_new,
    colours_of,
    draw_line,
    legend,
    line_styles,
    percent_ticks,
    plain,
    style_for,
    whole_ticks,
)  # fmt: skip
from topolearn.plotting.run_data import (
    RunLike,
    known_column,
    known_layer,
    layer_names,
    updates,
)

# The position of each kind of change in the colour cycle. Lost links are drawn below zero, regrown ones above.
LEAVING = {"removed": 0, "percolated": 4, "decayed": 3}
COMING = 2


def layer_metric(run: RunLike, column: str, ax: Axes | None = None) -> Axes:
    """Plot a column of `run.layers` over the training steps, with a line for each layer.

    Parameters
    ----------
    run : Run
        A training run with sparse layers.
    column : str
        A numeric column of `run.layers`: ``"n_links"``, ``"active_outputs"``, ``"itop"``, ``"fan_in_max"``, ...
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = layer_metric(run, "fan_out_max")
    """
    names = layer_names(run)
    known_column(run.layers, column, f"layers of run {run.name!r}")
    with style_for(ax):
        ax = axes_or_new(ax)
        for name, look in line_styles(names).items():
            rows = run.layers[run.layers["layer"] == name]
            draw_over(ax, rows, column, "step", label=plain(name), **look)
        ax.set_ylabel(in_words(column))
        ax.set_title(f"{in_words(column)[:1].upper()}{in_words(column)[1:]}, by layer")
        if column in FRACTIONS:
            percent_ticks(ax.yaxis)
        legend(ax)
    return ax


def overlap(run: RunLike, ax: Axes | None = None, *, theta: float | None = None) -> Axes:
    """Plot the overlap of removed and regrown links at each update, with a line for each layer.

    Parameters
    ----------
    run : Run
        A training run whose topology was updated.
    ax : Axes, optional
        Where to draw; default a new figure.
    theta : float, optional
        The overlap from which a layer is in an epitopological local minimum (ELM), shown as a dashed line; default that
        of the run's method.

    Returns
    -------
    Axes
        With a line for each layer, followed by the line of `theta`, if it is known.

    Examples
    --------
    >>> ax = overlap(run, theta=0.8)
    """
    table = updates(run)
    theta = run.theta if theta is None else check_share("theta", theta)
    with style_for(ax):
        ax = axes_or_new(ax)
        for name, look in line_styles(layer_names(run)).items():
            rows = table[table["layer"] == name]
            draw_line(ax, rows["step"], rows["overlap"], label=plain(name), **look)
        if theta is not None:
            look = {"color": colours_of(ax).quiet, "linestyle": "--", "linewidth": 1.2}
            ax.axhline(theta, label=f"ELM (θ = {theta:g})", **look)
        ax.set(ylim=(-0.03, 1.03), ylabel="overlap")
        percent_ticks(ax.yaxis)
        ax.set_title("Overlap of removed and regrown links")
        count_steps(ax)
        legend(ax)
    return ax


def link_flow(run: RunLike, layer: str | None = None, ax: Axes | None = None) -> Axes:
    """Plot the number of links that each update removed, percolated and regrew.

    Lost links are drawn below zero and regrown links above it, so that the two sides balance if the number of links
    is constant.

    Parameters
    ----------
    run : Run
        A training run whose topology was updated.
    layer : str, optional
        The layer; default the sum over all layers.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes
        With a filled step line for each kind of change.

    Examples
    --------
    >>> ax = link_flow(run, "hidden1")
    """
    table = updates(run)
    if layer is not None:
        table = table[table["layer"] == known_layer(run, layer)]
    flow = table.groupby("step")[["regrown", *LEAVING]].sum()
    edges = bar_edges(flow.index.to_numpy(dtype=float))
    with style_for(ax):
        ax = axes_or_new(ax)
        cycle = colours_of(ax).cycle
        ax.stairs(with_gaps(flow["regrown"]), edges, fill=True, color=cycle[COMING], label="regrown")
        floor = np.zeros(len(flow))
        for kind, place in LEAVING.items():
            if flow[kind].any():
                below = floor - flow[kind].to_numpy()
                ax.stairs(with_gaps(below), edges, baseline=with_gaps(floor), fill=True, color=cycle[place], label=kind)
                floor = below
        ax.axhline(0, color=colours_of(ax).quiet, linewidth=0.8)
        whole_ticks(ax.yaxis)
        ax.set_ylabel("links lost  |  links gained")
        ax.set_title(f"Link flow, {'all layers' if layer is None else plain(layer)}")
        ax.set_ylim(1.08 * min(floor.min(), -1), 1.08 * max(flow["regrown"].max(), 1))
        count_steps(ax)
        if len(flow) == 1:
            ax.margins(x=2.0)  # a single bar as wide as the axes would look like a background
        legend(ax)
    return ax


def bar_edges(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the left and right edges of a bar at each step, narrow enough for a gap between neighbours."""
    half = 0.4 * (np.diff(steps).min() if len(steps) > 1 else 1.0)
    return np.column_stack([steps - half, steps + half]).ravel()


def with_gaps(heights: ArrayLike) -> NDArray[np.float64]:
    """Return the heights of bars with gaps (nan) between them."""
    known = np.asarray(heights, dtype=float)
    return np.column_stack([known, np.full(len(known), np.nan)]).ravel()[:-1]


def count_steps(ax: Axes) -> None:
    """Label the x axis with training steps."""
    ax.set_xlabel("training step")
    whole_ticks(ax.xaxis)
