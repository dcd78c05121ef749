"""Notebook displays of graphs, networks, updates and runs: a small plot and a table."""

import base64
import io
from collections.abc import Callable, Mapping
from html import escape
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork
from topolearn.plotting.adjacency import draw_adjacency
from topolearn.plotting.curves import curve_groups, metrics, score
from topolearn.plotting.drawing.style import percent, style
from topolearn.plotting.run_data import RunLike

DPI = 100
MOST_LAYERS = 4  # drawn as pictures
STYLE = "display:flex;gap:1.5em;align-items:center;flex-wrap:wrap"
EVENTS = {"removed": "#0072B2", "percolated": "#E69F00", "decayed": "#CC79A7", "regrown": "#009E73"}


class UpdateLike(Protocol):
    """A topology update."""

    step: int
    index: int

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each layer."""


class ShownRun(RunLike, Protocol):
    """The attributes of a run that its card shows."""

    @property
    def summary(self) -> Mapping[str, object]:
        """The outcome so far."""

    @property
    def is_complete(self) -> bool:
        """Whether the training has finished."""


def graph_card(g: BipartiteGraph | Graph) -> str:
    """Return a card of a graph: its adjacency, sizes and degrees.

    Examples
    --------
    >>> card = graph_card(BipartiteGraph(np.eye(4, dtype=bool)))
    >>> "<img " in card, "25 %" in card
    (True, True)
    """
    if isinstance(g, Graph):
        sizes, degrees = {"nodes": g.n_nodes}, {"degree": g.degrees}
    else:
        sizes, degrees = {"inputs": g.n_in, "outputs": g.n_out}, {"fan-in": g.fan_in, "fan-out": g.fan_out}
    rows = {name: f"{size:,}" for name, size in sizes.items()}
    rows |= {"links": f"{g.n_links:,}", "density": percent(g.density)}
    rows |= {name: _spread(values) for name, values in degrees.items()}
    return _card(lambda figure: _draw_graph(g, figure), 2.2, pd.Series(rows).to_frame(""), header=False)


def network_card(network: LayeredNetwork) -> str:
    """Return a card of a network: plots of the first layers, and a row for each layer."""
    rows = {
        name: {
            "inputs": f"{g.n_in:,}", "outputs": f"{g.n_out:,}", "links": f"{g.n_links:,}",
            "density": percent(g.density), "fan-in": _spread(g.fan_in), "fan-out": _spread(g.fan_out),
        }
        for name, g in network.graphs.items()
    }  # fmt: skip
    shown = list(network.graphs.values())[:MOST_LAYERS]

    def draw(figure: Figure) -> None:
        for g, place in zip(shown, np.ravel(np.asarray(figure.subfigures(1, len(shown)))), strict=True):
            _draw_graph(g, place)

    return _card(draw, 1.6 * len(shown), pd.DataFrame.from_dict(rows, orient="index"), height=1.7)


def update_card(update: UpdateLike) -> str:
    """Return a card of an update: the links that each layer lost and gained, as bars and as a table."""
    table = update.to_frame()
    layers, kinds = table["layer"], [kind for kind in EVENTS if kind in table and table[kind].any()]

    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        left = np.zeros(len(table))
        for kind in kinds:
            sign = 1 if kind == "regrown" else -1
            at = np.zeros(len(table)) if kind == "regrown" else left
            ax.barh(np.arange(len(table)), sign * table[kind], left=at, color=EVENTS[kind], height=0.7)
            left = left if kind == "regrown" else left - table[kind].to_numpy()
        ax.axvline(0, color="#666666", linewidth=0.8)
        ax.set(yticks=[], xticks=[], ylim=(len(table) - 0.4, -0.6), xlabel="lost  |  grown")
        ax.grid(visible=False)

    counts = table.set_index(layers.rename(None))[[*kinds, "overlap"]]
    title = f"update {update.index:,}, after step {update.step:,}"
    return _card(draw, 2.2, counts.round(3), title=title, height=min(0.6 + 0.25 * len(table), 3.0))


def run_card(run: ShownRun) -> str:
    """Return a card of a run: its learning curve, and its outcome so far."""
    known = run.summary if run.is_complete else run.metrics.iloc[-1].to_dict() if len(run.metrics) else {}
    rows = {
        str(name).replace("_", " "): _number(value)
        for name, value in known.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    draw: Callable[[Figure], None] | None = None
    if len(run.metrics) and (run.task is not None or curve_groups(run.metrics)):

        def draw(figure: Figure) -> None:
            ax = figure.subplots()
            if run.task is not None:
                score(run, ax)
            else:
                metrics(run, next(iter(curve_groups(run.metrics).values())), ax)
            ax.set_title("")
            if (legend := ax.get_legend()) is not None and len(legend.get_texts()) == 1:
                legend.remove()  # its content is in the table

    title = run.name if run.is_complete else f"{run.name}: not complete"
    return _card(draw, 3.4, pd.Series(rows, dtype=object).to_frame(""), title=title, header=False, height=2.4)


def _number(value: float) -> str:
    """Return a number with four significant digits, or a whole one with all of them.

    Examples
    --------
    >>> _number(12345.0), _number(0.123456), _number(1e30)
    ('12,345', '0.1235', '1e+30')
    """
    return f"{value:,.0f}" if abs(value) < 1e15 and value == int(value) else f"{value:,.4g}"


def _draw_graph(g: BipartiteGraph | Graph, figure: object) -> None:
    ax = figure.subplots()  # type: ignore[attr-defined]  # a figure or subfigure
    draw_adjacency(g, ax)
    ax.set(title="", xticks=[], yticks=[], xlabel="", ylabel="")


def _spread(values: np.ndarray) -> str:
    """Return the range and mean of some numbers as text."""
    return f"{values.min():,} to {values.max():,}, mean {values.mean():.3g}" if values.size else "none"


def _card(
    draw: Callable[[Figure], None] | None,
    width: float,
    table: pd.DataFrame,
    *,
    title: str = "",
    header: bool = True,
    height: float = 2.2,
) -> str:
    """Return the HTML of an optional plot and a table, with all names escaped."""
    picture = ""
    if draw is not None:
        with style():
            figure = Figure(figsize=(width, height), layout="constrained")
            draw(figure)
            image = io.BytesIO()
            figure.savefig(image, format="png", dpi=DPI)
        source = base64.b64encode(image.getvalue()).decode("ascii")
        picture = f'<img alt="" src="data:image/png;base64,{source}" width="{width * DPI:.0f}">'
    cells = table.map(lambda cell: cell if isinstance(cell, float) else str(cell)).to_html(header=header, border=0)
    heading = f"<div><b>{escape(title)}</b></div>" if title else ""
    return f'{heading}<div style="{STYLE}">{picture}{cells}</div>'
