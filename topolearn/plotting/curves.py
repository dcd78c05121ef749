"""Learning curves: metrics of a run over its steps or epochs."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from topolearn.checks import listed
from topolearn.errors import InvalidValueError
from topolearn.plotting.alike import alike
from topolearn.plotting.drawing.style import (
    axes_or_new,
    draw_line,
    legend,
    line_styles,
    percent_ticks,
    plain,
    style,
    style_for,
    whole_ticks,
)
from topolearn.plotting.run_data import COUNTERS, RunLike, clock_of, known_column, logged, runs_of
from topolearn.task_registry import Metric, Task

FRACTIONS = {"density", "overlap", "itop", "active_neurons", "active_neurons_authors"}
WORDS = {
    "n_links": "number of links",
    "n_updates": "topology updates",
    "itop": "links ever explored (ITOP rate)",
    "active_neurons": "active hidden neurons (both sides)",
    "active_neurons_authors": "active hidden neurons (authors' definition)",
    "active_outputs": "output neurons with a link",
    "active_inputs": "input neurons with a link",
}
SPLIT = re.compile(r"^(train|training|val|valid|validation|test|eval)[_/.]")  # prefix: the split measured on


def in_words(column: str, task: Task | None = None) -> str:
    """Return a readable name for a column."""
    known = {metric.name: metric.title for metric in task.metrics} if task else {}
    return WORDS.get(column) or known.get(column) or column.replace("fan_", "fan-").replace("_", " ")


def is_share(column: str, task: Task | None = None) -> bool:
    """Return whether a column is shown in percent."""
    return column in FRACTIONS or (task is not None and task.metric_named(column).is_share)


def metrics(run: RunLike, columns: str | Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Plot metrics of a run over its epochs or steps.

    Parameters
    ----------
    run : Run
        A run that has logged something.
    columns : str or sequence of str, optional
        Columns of `run.metrics`, one line each; default the score of its task, or all columns of a run without a task.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes
        Crosses on the lower edge mark values that were NaN or infinite.

    Examples
    --------
    >>> ax = metrics(run, ["train_accuracy", "test_accuracy"])
    """
    table, task = logged(run), run.task
    if columns is None:
        columns = [task.metric.name] if task else [name for names in curve_groups(table).values() for name in names]
    columns = listed(columns)
    if not columns:
        raise InvalidValueError("columns is empty; name at least one column of run.metrics")
    for column in columns:
        known_column(table, column, f"metrics of run {run.name!r}")
    with style_for(ax):
        ax = axes_or_new(ax)
        for column, look in line_styles(columns).items():
            draw_over(ax, table, column, clock_of(run), label=in_words(column, task), **look)
            _mark_not_finite(ax, table, clock_of(run), run.not_finite.get(column, ()), look["color"])
        ax.set_ylabel(in_words(columns[0], task) if len(columns) == 1 else "")
        if all(is_share(column, task) for column in columns):
            percent_ticks(ax.yaxis)
        if len(columns) > 1:
            legend(ax)
        ax.set_title(plain(run.name))
    return ax


def score(runs: RunLike | Iterable[RunLike], ax: Axes | None = None) -> Axes:
    """Plot the score of one or several runs of a task, such as the test accuracy, and mark the best value of each.

    Parameters
    ----------
    runs : Run or iterable of Run
        Runs of the same task with logged metrics. Runs that differ only in the seed, such as those of a study, share a
        line at their mean, and a band from the minimum to the maximum.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes
        With two lines for each run or group: its score, and its best value. The legend names what they differ in.

    Raises
    ------
    InvalidValueError
        When there are no runs, a run has no task, has another task, or was never tested.

    Examples
    --------
    >>> ax = score([run, dense])
    """
    several = _several(runs)
    tasks = {run.task.name if run.task else None: run.task for run in several}
    task = tasks.popitem()[1] if len(tasks) == 1 else None
    if task is None:
        names = ", ".join(repr(run.name) for run in several)
        lack = f"runs {names} have no score in common" if len(several) > 1 else f"run {names} has no task, so no score"
        raise InvalidValueError(f"{lack}: pass runs of one task, or draw columns with plotting.metrics(run, [...])")
    return _draw_best(several, task.metric, clock_of(several[0]), ax, lower=task.better == "lower")


def accuracy(runs: RunLike | Iterable[RunLike], ax: Axes | None = None) -> Axes:
    """Plot the test accuracy of one or several runs, and mark the best value of each.

    Parameters
    ----------
    runs : Run or iterable of Run
        Runs with a column ``test_accuracy`` in their metrics. Runs that differ only in the seed, such as those of a
        study, share a line at their mean, and a band from the minimum to the maximum.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes
        With two lines for each run or group: its accuracy, and its best value. The legend names what they differ in.

    Examples
    --------
    >>> ax = accuracy([run, dense])
    """
    several = _several(runs)
    return _draw_best(several, Metric("test_accuracy", "test accuracy", is_share=True), clock_of(several[0]), ax)


def loss(run: RunLike, ax: Axes | None = None) -> Axes:
    """Plot all losses that a run logged, such as those on training and test examples.

    Parameters
    ----------
    run : Run
        A run with a column ``loss``, or columns whose names end with it.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = loss(run)
    """
    columns = [str(name) for name in logged(run) if re.search(r"(^|[_/.])loss$", str(name))]
    if not columns:
        raise InvalidValueError(f"run {run.name!r} logged no loss; it logged {', '.join(map(str, run.metrics))}")
    with style():
        ax = metrics(run, columns, ax)
        ax.set_title("Loss")
        ax.set_ylabel("loss")
    return ax


def curve_groups(table: pd.DataFrame) -> dict[str, list[str]]:
    """Group the columns of metrics that share a plot: those that differ only in the split that they were measured on.

    Examples
    --------
    >>> curve_groups(pd.DataFrame({"step": [1], "train_loss": [2.0], "val/loss": [3.0], "lr": [0.1]}))
    {'loss': ['train_loss', 'val/loss'], 'lr': ['lr']}
    """
    groups: dict[str, list[str]] = {}
    for name in map(str, table.select_dtypes("number").columns):
        if name not in COUNTERS:
            groups.setdefault(SPLIT.sub("", name), []).append(name)
    return groups


def draw_over(ax: Axes, table: pd.DataFrame, column: str, clock: str, **look: Any) -> None:
    """Plot one column of `table` over its clock, such as the step."""
    known = table.dropna(subset=[column])
    draw_line(ax, known[clock], known[column], **look)
    ax.set_xlabel("training step" if clock == "step" else clock)
    whole_ticks(ax.xaxis)


def _several(runs: RunLike | Iterable[RunLike]) -> list[RunLike]:
    several = runs_of(runs)
    if not several:
        raise InvalidValueError("runs is empty; pass at least one run")
    return several


def _draw_best(runs: Sequence[RunLike], metric: Metric, clock: str, ax: Axes | None, *, lower: bool = False) -> Axes:
    """Plot a metric of several runs, with means and bands over seeds, and a circle around the best value of each."""
    name = metric.name
    what = name.removeprefix("test_").replace("_", " ")
    for run in runs:
        if logged(run).reindex(columns=[clock, name]).dropna().empty:
            raise InvalidValueError(f"run {run.name!r} was never tested, so it has no {what} to draw")
    groups = alike(runs)
    with style_for(ax):
        ax = axes_or_new(ax)
        for (label, group), look in zip(groups.items(), line_styles(groups).values(), strict=True):
            table = _over_seeds(group, clock, name)
            if table.empty:
                raise InvalidValueError(
                    f"seeds of {label!r} were never tested at the same {clock}: plot them one by one"
                )
            values = table["mean"].to_numpy()
            best = table.iloc[values.argmin() if lower else values.argmax()]
            reached = f"{100 * best['mean']:.3g} %" if metric.is_share else metric.text(best["mean"])
            seeds = f", mean of {len(group)} seeds" if len(group) > 1 else ""
            words = f"{label}: best {reached} ({clock} {best[clock]:.0f}{seeds})"
            draw_over(ax, table, "mean", clock, label=words, **look)
            if len(group) > 1:
                ax.fill_between(table[clock], table["min"], table["max"], color=look["color"], alpha=0.2, linewidth=0)
            ax.plot(
                [best[clock]], [best["mean"]], marker="o", markersize=10, markeredgewidth=1.6, color=look["color"],
                markerfacecolor="none", clip_on=False, zorder=look["zorder"],
            )  # fmt: skip
        if metric.is_share:
            percent_ticks(ax.yaxis)
        ax.set_ylabel(metric.title)
        band = "; band: all seeds" if len(groups) < len(runs) else ""
        ax.set_title(f"{metric.title[:1].upper()}{metric.title[1:]} (circle: best {clock}{band})")
        legend(ax)
    return ax


def _over_seeds(runs: Sequence[RunLike], clock: str, name: str) -> pd.DataFrame:
    """Return the mean, minimum and maximum over runs at each time common to all; the last row at a time counts."""
    tables = [logged(run).reindex(columns=[clock, name]).dropna().drop_duplicates(clock, keep="last") for run in runs]
    rows = pd.concat(tables)
    table = rows.groupby(clock)[name].agg(["mean", "min", "max", "count"]).reset_index()
    return table[table["count"] == len(runs)].drop(columns="count").reset_index(drop=True)


def _mark_not_finite(ax: Axes, table: pd.DataFrame, clock: str, steps: Sequence[int], colour: str) -> None:
    """Draw a cross on the lower edge where a value was NaN or infinite."""
    if len(steps):
        at = table.loc[table["step"].isin(steps), clock]
        edge = ax.get_xaxis_transform()
        ax.plot(at, np.zeros(len(at)), "x", color=colour, transform=edge, clip_on=False, label="NaN or infinite")
