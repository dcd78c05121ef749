"""Learning curves: what a run reached, epoch by epoch."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from topolearn.errors import InvalidValueError
from topolearn.plotting.run_data import RunLike, finished_epochs, known_column
from topolearn.plotting.style import (
    axes_or_new,
    legend,
    line_styles,
    marker,
    percent,
    percent_ticks,
    plain,
    style,
    whole_ticks,
)  # fmt: skip

FRACTIONS = {
    "train_accuracy", "test_accuracy", "density", "overlap", "itop",
    "active_neurons", "active_neurons_authors",
}  # fmt: skip
WORDS = {
    "lr": "learning rate",
    "n_links": "number of links",
    "n_updates": "topology updates",
    "itop": "links ever explored (ITOP rate)",
    "active_neurons": "active hidden neurons (both sides)",
    "active_neurons_authors": "active hidden neurons (authors' definition)",
    "active_outputs": "output neurons with a link",
    "active_inputs": "input neurons with a link",
}


def in_words(column: str) -> str:
    """Return a column's name as prose."""
    return WORDS.get(column, column.replace("fan_", "fan-").replace("_", " "))


def metrics(run: RunLike, columns: Sequence[str] = ("test_accuracy",), ax: Axes | None = None) -> Axes:
    """Draw columns of a run's metrics over its epochs.

    Parameters
    ----------
    run : Run
        A training run with at least one finished epoch.
    columns : sequence of str
        Columns of `run.metrics`; a line each.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = metrics(run, ["train_accuracy", "test_accuracy"])
    """
    columns = [columns] if isinstance(columns, str) else list(columns)
    if not columns:
        raise InvalidValueError("columns is empty; name at least one column of run.metrics")
    table = finished_epochs(run)
    for column in columns:
        known_column(table, column, f"metrics of run {run.name!r}")
    with style():
        ax = axes_or_new(ax)
        for column, look in line_styles(columns).items():
            draw_epochs(ax, table, column, label=in_words(column), **look)
        ax.set_ylabel(in_words(columns[0]) if len(columns) == 1 else "")
        if FRACTIONS.issuperset(columns):
            percent_ticks(ax.yaxis)
        if len(columns) > 1:
            legend(ax)
        ax.set_title(plain(run.name))
    return ax


def accuracy(runs: RunLike | Iterable[RunLike], ax: Axes | None = None) -> Axes:
    """Draw the test accuracy of one or several runs, and mark the best epoch of each.

    Parameters
    ----------
    runs : Run or iterable of Run
        Each with at least one finished epoch.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
        With two lines a run: its accuracy over the epochs, then its best epoch.

    Examples
    --------
    >>> ax = accuracy([run, dense])
    """
    several: list[RunLike] = [runs] if hasattr(runs, "metrics") else list(runs)  # type: ignore[list-item]
    if not several:
        raise InvalidValueError("runs is empty; give at least one run")
    tables = [finished_epochs(run).dropna(subset=["test_accuracy"]) for run in several]
    with style():
        ax = axes_or_new(ax)
        looks = line_styles(str(i) for i in range(len(several)))
        for run, table, look in zip(several, tables, looks.values(), strict=True):
            if table.empty:
                raise InvalidValueError(f"run {run.name!r} was never tested, so it has no accuracy to draw")
            best = table.iloc[table["test_accuracy"].argmax()]
            label = f"{plain(run.name)}: best {percent(best['test_accuracy'])} (epoch {best['epoch']:.0f})"
            draw_epochs(ax, table, "test_accuracy", label=label, **look)
            ax.plot(
                [best["epoch"]], [best["test_accuracy"]], marker="o", markersize=9, markeredgewidth=1.8,
                color=look["color"], markerfacecolor="none", clip_on=False,
            )  # fmt: skip
        percent_ticks(ax.yaxis)
        ax.set_ylabel("test accuracy")
        ax.set_title("Test accuracy (circle: best epoch)")
        legend(ax, loc="lower right")
    return ax


def loss(run: RunLike, ax: Axes | None = None) -> Axes:
    """Draw training and test loss over the epochs.

    Parameters
    ----------
    run : Run
        A training run with at least one finished epoch.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = loss(run)
    """
    with style():
        ax = metrics(run, ["train_loss", "test_loss"], ax)
        ax.set_title("Loss")
        ax.set_ylabel("loss")
    return ax


def draw_epochs(ax: Axes, table: pd.DataFrame, column: str, **look: Any) -> None:
    """Draw one column over the epochs of `table`."""
    ax.plot(table["epoch"], table[column], marker=marker(len(table)), **look)
    ax.set_xlabel("epoch")
    whole_ticks(ax.xaxis)
