"""How fast training is, by density."""

from collections.abc import Callable, Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis

from topolearn.plotting.style import axes_or_new, legend, line_styles, percent, style

APART = 1.6  # ratio of two labels that do not touch


def training_speed(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many times faster than the dense network each variant trains, over density.

    Parameters
    ----------
    table : DataFrame
        What `topolearn.benchmarks.measure_training` returns; each batch has lines of its own width.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    names = [name.removesuffix(" speed-up") for name in map(str, table.columns) if name.endswith(" speed-up")]
    with style():
        ax = axes_or_new(ax)
        looks = line_styles(names)
        for i, (batch, rows) in enumerate(table.groupby("batch")):
            for name in names:
                label = f"{name}, batch {batch}"
                ax.plot(rows["density"], rows[f"{name} speed-up"], label=label, **{**looks[name], "linewidth": 1 + i})
        ax.set_xscale("log")
        ax.set_yscale("log")
        _plain_ticks(ax.xaxis, table["density"], percent)
        _plain_ticks(ax.yaxis, [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100], "{:g}".format)
        ax.set_xlabel("density of the sparse layers")
        ax.set_ylabel(f"times faster than {names[0]}")
        legend(ax)
    return ax


def _plain_ticks(axis: Axis, marks: Iterable[float], words: Callable[[float], str]) -> None:
    """Put marks on a logarithmic axis, as far as their labels do not touch and they are within what it shows."""
    low, high = axis.get_view_interval()
    chosen: list[float] = []
    for mark in sorted(set(marks)):
        if low <= mark <= high and (not chosen or mark >= APART * chosen[-1]):
            chosen.append(mark)
    axis.set_ticks(chosen, [words(mark) for mark in chosen])
    axis.set_ticks([], minor=True)
