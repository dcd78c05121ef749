"""Measures of the topology during training."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from topolearn.diagnostics import MEASURES, Measure
from topolearn.errors import InvalidValueError
from topolearn.plotting.drawing.style import (
    axes_or_new,
    draw_line,
    legend,
    line_styles,
    percent_ticks,
    plain,
    style_for,
)
from topolearn.plotting.exponents import fit_at
from topolearn.plotting.run_data import RunLike, check_run
from topolearn.plotting.updates import count_steps


def measure(run: RunLike, name: str, ax: Axes | None = None) -> Axes:
    """Plot a measure over the training steps, with a line for each layer, or one for the whole network.

    Parameters
    ----------
    run : Run
        A training run that recorded the measure.
    name : str
        One of `topolearn.diagnostics.MEASURES`, such as ``"closure"``.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes
        With a line for each layer; a band shows the standard error of estimates from a sample. For an exponent, the
        legend names the layers that do not follow a power law at the end.

    Raises
    ------
    InvalidValueError
        When the run did not record the measure, or it was never defined.

    Examples
    --------
    >>> ax = measure(run, "closure")
    """
    known = MEASURES[name]
    check_run(run)
    table = run.measures
    if name not in table:
        taken = ", ".join(column for column in map(str, table) if column in MEASURES)
        raise InvalidValueError(
            f"run {run.name!r} did not record the measure {name!r} (it recorded {taken or 'none'}): "
            "include it in the measures when training"
        )
    table = table.dropna(subset=[name])
    if table.empty:
        raise InvalidValueError(
            f"the measure {name!r} is undefined at every step of run {run.name!r}, so there is nothing to draw: "
            f"diagnostics.{name} of a graph in run.history.at(0) gives the reason"
        )
    with style_for(ax):
        ax = axes_or_new(ax)
        for layer, look in line_styles(table["layer"].unique()).items():
            rows = table[table["layer"] == layer]
            fit = fit_at(run, name, str(layer), int(rows["step"].iloc[-1]))
            doubt = " (no power law at the end)" if fit is not None and fit.is_plausible is False else ""
            draw_line(ax, rows["step"], rows[name], label=plain(layer) + doubt + _until(rows, known), **look)
            if f"{name}_error" in rows:
                error = rows[f"{name}_error"].fillna(0)
                ax.fill_between(rows["step"], rows[name] - error, rows[name] + error, color=look["color"], alpha=0.2)
        if known.reference is not None:
            ax.axhline(known.reference, color="#777777", linestyle=":", linewidth=1.2, label="random graph")
        title = f"{known.title[:1].upper()}{known.title[1:]}"
        ax.set(ylabel=known.title, title=title)
        if known.is_share:
            percent_ticks(ax.yaxis)
        count_steps(ax)
        if len(ax.lines) > 1 or known.is_fit:
            legend(ax)
    return ax


def _until(rows: pd.DataFrame, known: Measure) -> str:
    """Return, as text, the last step at which a layer was above the reference, if it did not stay above."""
    if known.reference is None:
        return ""
    above = (rows[known.name] > known.reference).to_numpy()
    if above.all() or above[-1]:
        return ""
    return f", above until step {rows['step'].iloc[np.flatnonzero(above)[-1]]:,}" if above.any() else ", never above"
