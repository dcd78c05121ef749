"""Training speed by density."""

import pandas as pd
from matplotlib.axes import Axes

from topolearn.errors import InvalidValueError
from topolearn.plotting.drawing.style import (
    DASHES,
    axes_or_new,
    draw_line,
    legend,
    line_styles,
    log_ticks,
    percent,
    style_for,
)


def training_speed(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Plot the speed-up of each variant over the dense network, over density.

    Parameters
    ----------
    table : DataFrame
        The result of `topolearn.benchmarks.measure_training`. Variants differ in colour and marker, batches in dashes.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidValueError
        When the table lacks these columns.

    Examples
    --------
    >>> table = pd.DataFrame({"density": [0.1, 0.5], "batch": 8, "dense speed-up": 1.0, "csr speed-up": [3.0, 0.8]})
    >>> ax = training_speed(table)
    """
    lacking = [name for name in ("density", "batch") if name not in table]
    if lacking or not any(str(name).endswith(" speed-up") for name in table):
        raise InvalidValueError(
            f"the table has the columns {', '.join(map(str, table))}, but needs density, batch and at least one that "
            "ends with ' speed-up': pass the result of benchmarks.measure_training"
        )
    names = [name.removesuffix(" speed-up") for name in map(str, table.columns) if name.endswith(" speed-up")]
    with style_for(ax):
        ax = axes_or_new(ax)
        looks = line_styles(names)
        for i, (batch, rows) in enumerate(table.groupby("batch")):
            for name in names:
                look = {**looks[name], "linewidth": 1.5, "linestyle": DASHES[i % len(DASHES)]}
                draw_line(ax, rows["density"], rows[f"{name} speed-up"], label=f"{name}, batch {batch}", **look)
        ax.set_xscale("log")
        ax.set_yscale("log")
        log_ticks(ax.xaxis, percent)
        log_ticks(ax.yaxis, "{:g}".format)
        ax.set_xlabel("density of the sparse layers")
        ax.set_ylabel(f"times faster than {names[0]}")
        legend(ax)
    return ax
