"""The effect of a factor: how often each of its levels wins under the same conditions, and by how much."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from topolearn import plotting
from topolearn.studies import spread, to_markdown, win_rates

OF_ALL = {"method": "chts", "density": 0.01, "backend": "csr", "history": "summary", "measures": ["none"]}
GRID = {"dataset": ["mnist", "fashion_mnist"], "regrowth": ["ch3_l3p-soft", "ch2_l3n-soft"]}  # the conditions
CONDITION = (*GRID, "seed")


def effects(runs: pd.DataFrame, factor: str, same: Sequence[str], value: str = "best_accuracy") -> pd.DataFrame:
    """Return the win rate and the effect of each level of a factor, in the order of the runs.

    Parameters
    ----------
    runs : DataFrame
        One row per run, for the competing levels only.
    factor : str
        The column of the factor.
    same : sequence of str
        The columns that define a condition; conditions that some level lacks are left out.
    value : str
        The column to compare, a fraction of which more is better.

    Returns
    -------
    DataFrame
        Per level: ``conditions``, ``win_rate``, ``mean`` of the value in percent, and ``effect``, its difference in
        points from the mean of all levels under the same conditions, with a 95 % interval from ``low`` to ``high``.
    """
    rates = win_rates(runs, by=factor, value=value, same=same)
    wide = 100 * runs.set_index([factor, *same])[value].unstack(factor).dropna()[list(rates.index)]
    apart = wide.sub(wide.mean(axis=1), axis=0)
    rows = {}
    for level in rates.index:
        effect = spread(apart[level])
        rows[level] = {
            "conditions": len(wide), "win_rate": rates[level], "mean": wide[level].mean(), "effect": effect.mean,
            "low": effect.low, "high": effect.high,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(factor)


def draw(panels: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Return a figure with one column per factor: win rates above, effects below, the winner in orange."""
    with plotting.style():
        figure = Figure(figsize=(5.4 * len(panels), 6.4), layout="constrained")
        axes = figure.subplots(2, len(panels), squeeze=False)
        for column, (name, table) in enumerate(panels.items()):
            above, below = axes[:, column]
            levels = [str(level) for level in table.index]
            colours = [to_hex("C1" if rate == table["win_rate"].max() else "C0") for rate in table["win_rate"]]
            bars = above.bar(levels, table["win_rate"], color=colours)
            above.bar_label(bars, [f"{rate:.2f}" for rate in table["win_rate"]])
            above.set(title=name, ylabel="win rate", ylim=(0, max(0.05, 1.15 * table["win_rate"].max())))
            _draw_effects(below, levels, table, colours)
        figure.suptitle(title)
    return figure


def _draw_effects(ax: Axes, levels: list[str], table: pd.DataFrame, colours: list[str]) -> None:
    for place, (colour, row) in enumerate(zip(colours, table.to_dict("records"), strict=True)):
        ax.plot([place, place], [row["low"], row["high"]], color=colour, linewidth=2)
        ax.plot([place], [row["effect"]], "o", color=colour)
    ax.axhline(0, color="#888888", linewidth=0.8)
    ax.set_xticks(range(len(levels)), levels)
    ax.set_xlim(-0.6, len(levels) - 0.4)
    ax.set_ylabel("points above the mean of all,\nsame conditions")


def title(runs: pd.DataFrame) -> str:
    """Return a one-line description of the runs."""
    epochs = " and ".join(str(each) for each in sorted(runs["epochs"].unique()))
    size = f"{runs['dataset'].nunique()} data sets, {runs['regrowth'].nunique()} link predictors, "
    return f"CHTs, MLP with 1 % of its links: {size}{runs['seed'].nunique()} seeds, {epochs} epochs; best epoch"


def report(file: Path, panels: Mapping[str, pd.DataFrame], headline: str) -> None:
    """Save the panels as a figure next to the table of runs, and print them as Markdown."""
    draw(panels, headline).savefig(file.with_suffix(".png"), dpi=130)
    for name, table in panels.items():
        print(f"{name}\n\n{to_markdown(table, digits=2)}\n")
