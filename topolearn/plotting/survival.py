"""Survival curves of links."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from topolearn.diagnostics import survival as survival_table
from topolearn.plotting.drawing.style import (
    axes_or_new,
    draw_line,
    legend,
    line_styles,
    percent_ticks,
    plain,
    style_for,
    whole_ticks,
)
from topolearn.plotting.run_data import RunLike, known_layers, updates


def survival(run: RunLike, layers: str | Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Plot the share of links that survive each number of topology updates, with a line for each layer.

    Parameters
    ----------
    run : Run
        A training run with updates and a full history.
    layers : str or sequence of str, optional
        Names of one or several layers; default all.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes
        With a step line for each layer, and a band for its 95 % interval.

    Examples
    --------
    >>> ax = survival(run, ["hidden1"])
    """
    updates(run)
    names = known_layers(run, layers)
    with style_for(ax):
        ax = axes_or_new(ax)
        for name, look in line_styles(names).items():
            table = survival_table(run.history, name)
            draw_line(ax, table["age"], table["survival"], drawstyle="steps-post", label=plain(name), **look)
            band = {"step": "post", "color": look["color"], "alpha": 0.15, "linewidth": 0}
            ax.fill_between(table["age"], table["low"], table["high"], **band)
        ax.set(xlabel="topology updates survived", ylabel="surviving links", ylim=(0, 1.03))
        ax.set_title("Survival of links")
        whole_ticks(ax.xaxis)
        percent_ticks(ax.yaxis)
        legend(ax)
    return ax
