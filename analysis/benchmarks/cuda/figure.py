"""The figure of a result: masked over dense steps, updates by method, Figure 2's axes, and where csr is faster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis.benchmarks.cuda.goals import RATIO, Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(result: Mapping[str, Any]) -> Figure:
    """Return the figure; panels without measurements stay empty."""
    from matplotlib.figure import Figure

    from topolearn import plotting

    rows = {name: entry["rows"] for name, entry in result["stages"].items()}
    with plotting.style():
        figure = Figure(figsize=(12, 8), layout="constrained")
        axes = figure.subplots(2, 3)
        _steps(axes[0, 0], rows.get("steps", []))
        _updates(axes[0, 1], rows.get("updates", []))
        _backends(axes[0, 2], rows.get("backends", []))
        _scores(axes[1, 0], rows.get("link prediction", []), "density")
        _scores(axes[1, 1], rows.get("link prediction", []), "size")
        _tokens(axes[1, 2], rows.get("tokens", []))
        about = result["about"]
        figure.suptitle(f"{about['name']}, torch {about['versions']['torch']}")
    return figure


def _steps(ax: Axes, rows: Rows) -> None:
    measured = [row for row in rows if RATIO in row]
    names = [f"{row['block']}\n{row['precision']}, {row['mode']}" for row in measured]
    ax.barh(names, [100 * (row[RATIO] - 1) for row in measured])
    ax.axvline(3, color="C3", linestyle=":")
    ax.tick_params(axis="y", labelsize=6)
    ax.set(title="masked steps, updates included", xlabel="slower than dense, %")


def _updates(ax: Axes, rows: Rows) -> None:
    measured = [row for row in rows if "share of steps, %" in row]
    ax.barh([row["method"] for row in measured], [row["share of steps, %"] for row in measured])
    ax.tick_params(axis="y", labelsize=7)
    ax.set(title="updates", xlabel="share of all time, %")


def _backends(ax: Axes, rows: Rows) -> None:
    measured = [row for row in rows if "density" in row]
    for batch in sorted({row["batch"] for row in measured}):
        of_batch = [row for row in measured if row["batch"] == batch]
        line = [row["density"] for row in of_batch]
        ax.plot([row["width"] for row in of_batch], line, marker="o", label=f"batch {batch}")
    ax.set(title="csr is faster below", xlabel="width", ylabel="density")
    if measured:
        ax.set_xscale("log", base=2)
        ax.legend()


def _scores(ax: Axes, rows: Rows, axis: str) -> None:
    measured = [row for row in rows if row["axis"] == axis and "ms" in row]
    column = "density" if axis == "density" else "width"
    for name in dict.fromkeys(row["predictor"] for row in measured):
        of_name = [row for row in measured if row["predictor"] == name]
        ax.plot([row[column] for row in of_name], [row["ms"] for row in of_name], marker="o", label=name)
    ax.set(title=f"scores over {axis}", xlabel=column, ylabel="ms")
    if measured:
        ax.set(xscale="log", yscale="log")
        ax.legend()


def _tokens(ax: Axes, rows: Rows) -> None:
    measured = [row for row in rows if "tokens a second" in row]
    ax.bar([row["method"] for row in measured], [row["tokens a second"] for row in measured])
    ax.set(title="tokens per second", ylabel="tokens / s")
