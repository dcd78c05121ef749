"""How fast training is, by density."""

import pandas as pd
from matplotlib.axes import Axes

from topolearn.plotting.style import axes_or_new, legend, line_styles, percent, style


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
        densities = sorted(table["density"].unique())
        ax.set_xticks(densities, [percent(each) for each in densities], minor=False)
        ax.set_xticks([], minor=True)
        ax.set_xlabel("density of the sparse layers")
        ax.set_ylabel(f"times faster than {names[0]}")
        legend(ax)
    return ax
