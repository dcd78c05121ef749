"""How the links of a layer are spread over its neurons."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from topolearn.diagnostics import PowerLawFit, power_law
from topolearn.errors import UndefinedMeasureError
from topolearn.graph import BipartiteGraph
from topolearn.plotting.style import axes_or_new, legend, percent_ticks, style

FAN_IN, FAN_OUT = "#0072B2", "#D55E00"


def ccdf(degrees: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each degree above zero that occurs, and the share of all neurons that have at least it.

    Examples
    --------
    >>> import numpy as np
    >>> ccdf(np.array([0, 1, 1, 3]))
    (array([1, 3]), array([0.75, 0.25]))
    """
    values, counts = np.unique(np.asarray(degrees), return_counts=True)
    share = counts[::-1].cumsum()[::-1] / max(len(degrees), 1)
    return values[values > 0], share[values > 0]


def degree_distribution(g: BipartiteGraph, ax: Axes | None = None, *, fit: bool = False) -> Axes:
    """Draw the share of neurons with at least k links, for both sides of a layer.

    Both axes are logarithmic, so a power law is a straight line. Neurons without links have no place
    on such an axis: they count in the shares, and the legend says how many there are.

    Parameters
    ----------
    g : BipartiteGraph
        The graph of the layer.
    ax : Axes, optional
        Where to draw; a new figure without it.
    fit : bool
        Draw the power law that fits each side best, from the degree on at which it begins, with its p-value; where it
        is not one, the legend says "no power law", and why. A side whose neurons all have as many links has none.

    Returns
    -------
    Axes
        With a line for the fan-in of the outputs and one for the fan-out of the inputs, then those of the laws.

    Examples
    --------
    >>> import numpy as np
    >>> from topolearn.graph import BipartiteGraph
    >>> ax = degree_distribution(BipartiteGraph(np.eye(4, dtype=bool)))
    >>> ax.lines[0].get_label()
    'fan-in of outputs: mean 1, max 1'
    """
    with style():
        ax = axes_or_new(ax)
        draw_ccdf(ax, g.fan_in, "fan-in of outputs", color=FAN_IN, marker="o", markersize=5.5)
        draw_ccdf(ax, g.fan_out, "fan-out of inputs", color=FAN_OUT, marker="s", markersize=2.5)
        if fit:
            for degrees, colour in ((g.fan_in, FAN_IN), (g.fan_out, FAN_OUT)):
                draw_law(ax, degrees, colour)
        ax.set_title("Degree distribution")
        finish(ax)
    return ax


def draw_law(ax: Axes, degrees: NDArray[np.int64], colour: str) -> None:
    """Draw the power law that fits degrees best, as high as they are where it begins; nothing if there is none."""
    try:
        law = power_law(degrees)
    except UndefinedMeasureError:
        return
    x = np.unique(np.geomspace(law.xmin, max(degrees.max(), law.xmin + 1), 60).round())
    share = (degrees >= law.xmin).mean()
    ax.plot(x, share * law.ccdf(x), "--" if law.is_plausible else ":", color=colour, linewidth=1, label=law_words(law))


def law_words(law: PowerLawFit) -> str:
    """Return what a legend says of a fit.

    Examples
    --------
    >>> law_words(power_law([1, 1, 1, 2, 3], n_bootstraps=9))
    'no power law: only 5 in the tail (γ = 2.33 from 1 on)'
    """
    exponent = f"γ = {law.gamma:.2f} from {law.xmin:.0f} on"
    if law.is_plausible is False:
        return f"{law.verdict} ({exponent})"
    tested = "" if law.p_value is None else f", p = {law.p_value:.2f}"
    return f"{law.verdict}: {exponent}, {law.n_tail:,} neurons{tested}"


def draw_ccdf(ax: Axes, degrees: NDArray[np.int64], label: str, **look: Any) -> None:
    """Draw one side of a layer; its label says mean, maximum and how many neurons have no link."""
    known = np.asarray(degrees)
    text = f"{label}: mean {known.mean():.3g}, max {known.max()}" if known.size else f"{label}: no neurons"
    if unlinked := int((known == 0).sum()):
        text += f", {unlinked:,} without links"
    ax.plot(*ccdf(known), label=text, linewidth=1.4, **look)


def finish(ax: Axes) -> None:
    """Make both axes logarithmic, with round ticks even when they span less than a decade."""
    ax.set(xscale="log", yscale="log", xlabel="number of links k", ylabel="neurons with at least k links")
    degrees = np.concatenate([np.append(line.get_xdata(), 1.0) for line in ax.lines])
    shares = np.concatenate([np.append(line.get_ydata(), 1.0) for line in ax.lines])
    # The lowest part of the axes is left to the legend.
    ax.set(xlim=(0.85, max(10.0, 1.3 * degrees.max())), ylim=(min(0.1, shares.min()) ** 1.4, 1.4))
    percent_ticks(ax.yaxis)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda degree, _: f"{degree:,.0f}"))
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    legend(ax, loc="lower left")
