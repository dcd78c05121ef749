"""Degree distributions of layers and graphs."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from topolearn.diagnostics import GraphLike, PowerLawFit, power_law
from topolearn.diagnostics.reading import read_single
from topolearn.errors import UndefinedMeasureError
from topolearn.graph import Graph
from topolearn.plotting.drawing.style import axes_or_new, colours_of, legend, log_ticks, style_for


def ccdf(degrees: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the distinct degrees above zero, and the share of all neurons with at least that degree.

    Examples
    --------
    >>> import numpy as np
    >>> ccdf(np.array([0, 1, 1, 3]))
    (array([1, 3]), array([0.75, 0.25]))
    """
    values, counts = np.unique(np.asarray(degrees), return_counts=True)
    share = counts[::-1].cumsum()[::-1] / max(len(degrees), 1)
    return values[values > 0], share[values > 0]


def degree_distribution(g: GraphLike, ax: Axes | None = None, *, fit: bool = False) -> Axes:
    """Plot the share of neurons with at least k links, for both sides of a layer, or of nodes of a one-mode graph.

    Both axes are logarithmic, so a power law is a straight line. Neurons without links cannot be shown
    on such an axis: they count in the shares, and the legend gives their number.

    Parameters
    ----------
    g : BipartiteGraph or Graph, or convertible to one
        A layer, or a one-mode graph.
    ax : Axes, optional
        Where to draw; default a new figure.
    fit : bool
        Also draw the best-fitting power law of each side, from the degree where it begins, with its p-value. If a side
        does not follow a power law, the legend says "no power law" and gives the reason. A side whose neurons all have
        the same degree gets no fit.

    Returns
    -------
    Axes
        With a line for the fan-in of the outputs and one for the fan-out of the inputs, or one for the degrees of the
        nodes, followed by the fitted power laws.

    Examples
    --------
    >>> import numpy as np
    >>> from topolearn.graph import BipartiteGraph
    >>> ax = degree_distribution(BipartiteGraph(np.eye(4, dtype=bool)))
    >>> ax.lines[0].get_label()
    'fan-in of outputs: mean 1, max 1'
    """
    graph = read_single(g, "degree_distribution")
    if isinstance(graph, Graph):
        sides, counted = [("degrees of nodes", graph.degrees)], "nodes"
    else:
        counted = "neurons"
        sides = [("fan-in of outputs", graph.fan_in), ("fan-out of inputs", graph.fan_out)]
    with style_for(ax):
        ax = axes_or_new(ax)
        fan_in, fan_out = colours_of(ax).cycle[:2]
        looks = (
            {"color": fan_in, "marker": "o", "markersize": 5.5},
            {"color": fan_out, "marker": "s", "markersize": 2.5},
        )
        for (label, degrees), look in zip(sides, looks, strict=False):
            draw_ccdf(ax, degrees, label, **look)
        limit(ax)
        if fit:
            for (_, degrees), look in zip(sides, looks, strict=False):
                draw_law(ax, degrees, str(look["color"]), counted)
        ax.set_title("Degree distribution")
        finish(ax, counted)
    return ax


def draw_law(ax: Axes, degrees: NDArray[np.int64], colour: str, counted: str = "neurons") -> None:
    """Draw the best-fitting power law, scaled to meet the degrees where it begins; nothing if it is undefined."""
    try:
        law = power_law(degrees)
    except UndefinedMeasureError:
        return
    x = np.unique(np.geomspace(law.xmin, max(degrees.max(), law.xmin + 1), 60).round())
    share = (degrees >= law.xmin).mean()
    ax.plot(
        x,
        share * law.ccdf(x),
        "--" if law.is_plausible else ":",
        color=colour,
        linewidth=1,
        label=law_words(law, counted),
    )


def law_words(law: PowerLawFit, counted: str = "neurons") -> str:
    """Return the legend text of a fit.

    Examples
    --------
    >>> law_words(power_law([1, 1, 1, 2, 3], n_bootstraps=9))
    'no power law: only 5 in the tail (γ = 2.33 from 1 on, p = ...)'
    """
    exponent = f"γ = {law.gamma:.2f} from {law.xmin:.0f} on"
    tested = "" if law.p_value is None else f", p = {law.p_value:.2g}"
    if law.is_plausible is False:
        return f"{law.verdict} ({exponent}{'' if 'p = ' in law.verdict else tested})"
    return f"{law.verdict}: {exponent}, {law.n_tail:,} {counted}{tested}"


def draw_ccdf(ax: Axes, degrees: NDArray[np.int64], label: str, **look: Any) -> None:
    """Draw one side of a layer, labelled with the mean and maximum degree and the number of neurons without links."""
    known = np.asarray(degrees)
    text = f"{label}: mean {known.mean():.3g}, max {known.max()}" if known.size else f"{label}: no neurons"
    if unlinked := int((known == 0).sum()):
        text += f", {unlinked:,} without links"
    ax.plot(*ccdf(known), label=text, linewidth=1.4, **look)


def limit(ax: Axes) -> None:
    """Make both axes logarithmic, with limits around everything drawn so far; a fit may leave them."""
    ax.set(xscale="log", yscale="log")
    degrees = np.concatenate([np.append(line.get_xdata(), 1.0) for line in ax.lines])
    shares = np.concatenate([np.append(line.get_ydata(), 1.0) for line in ax.lines])
    ax.set(xlim=(0.85, max(10.0, 1.3 * degrees.max())), ylim=(0.6 * min(0.1, shares.min()), 1.4))


def finish(ax: Axes, counted: str = "neurons") -> None:
    """Name both axes, with round ticks even if they span less than a decade, and add the legend."""
    ax.set(xlabel="number of links k", ylabel=f"{counted} with at least k links")
    log_ticks(ax.xaxis, "{:,.0f}".format)
    log_ticks(ax.yaxis, lambda share: f"{100 * share:.5g} %")
    legend(ax)
