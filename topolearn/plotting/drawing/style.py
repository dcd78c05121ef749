"""The common style of all plots, and the formatting of names and numbers in them."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

import matplotlib as mpl
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure, FigureBase, SubFigure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D

from topolearn.plotting.drawing.canvas import Picture, axes_or_new, figure_or_new
from topolearn.plotting.drawing.fitting import fit_when_drawn
from topolearn.plotting.drawing.ink import Inks, background_of, inks_on
from topolearn.plotting.drawing.legends import name_lines, room_needed
from topolearn.plotting.drawing.ticks import layer_ticks, log_ticks, percent_ticks, whole_ticks

__all__ = [
    "DASHES", "axes_or_new", "colours_of", "draw_line", "figure_or_new", "layer_ticks", "legend", "line_styles",
    "log_ticks", "percent", "percent_ticks", "plain", "style", "style_for", "whole_ticks",
]  # fmt: skip

COLOURS = 8
LONGEST = 60  # maximum number of characters of a name in a plot
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.6)), (0, (1, 1.2)), (0, (6, 1.6, 1, 1.6)), (0, (3, 1.2, 1, 1.2, 1, 1.2)))
FEW_POINTS = 30  # lines of up to this many points get a marker on each
MARKS = 8  # the number of markers on longer lines


def style() -> AbstractContextManager[None]:
    """Return a context in which new figures have the style of the package.

    In a dark matplotlib style, such as ``plt.style.use("dark_background")``, the colours suit the dark background.

    Returns
    -------
    context manager
        Restores the matplotlib settings on exit.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> with style():
    ...     figure = Figure()
    >>> figure.get_layout_engine() is not None
    True
    """
    return style_for(None)


def style_for(where: Axes | Figure | SubFigure | None) -> AbstractContextManager[None]:
    """Return a context with the style of the package for the background of an axes, a figure, or a new figure."""
    known = where if isinstance(where, Axes | FigureBase) else None
    inks = inks_on(background_of(known))
    context: AbstractContextManager[None] = matplotlib.style.context(["topolearn.plotting.style", inks.settings])
    return context


def colours_of(ax: Axes) -> Inks:
    """Return the colours that are legible on the background of an axes."""
    return inks_on(background_of(ax))


def line_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the style of each name's line, which depends only on its position, so that plots agree.

    Up to forty lines are distinguishable without colours, by marker and dash. Later lines are thinner, so that where
    lines coincide an earlier one remains visible around them and through the gaps of their dashes.

    Examples
    --------
    >>> looks = line_styles(map(str, range(40))).values()
    >>> len({(look["marker"], look["linestyle"]) for look in looks})
    40
    """
    colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"][:COLOURS]
    return {
        name: {
            "color": colours[(i + i // (COLOURS * len(DASHES))) % COLOURS],
            "linestyle": DASHES[(i + i // COLOURS) % len(DASHES)],
            "linewidth": max(1.2, 2.6 - 0.5 * i),
            "marker": MARKERS[i % len(MARKERS)],
            "zorder": 2 + 0.01 * i,
        }
        for i, name in enumerate(names)
    }


def draw_line(ax: Axes, x: Any, y: Any, **look: Any) -> Line2D:
    """Draw a line with a marker on each point, or on some of many points, offset from those of the previous line."""
    n_points, place = len(x), len(ax.lines)
    every = max(1, n_points // MARKS) if n_points > FEW_POINTS else 1
    (line,) = ax.plot(x, y, markevery=(place * every // 3 % every, every), **look)
    return line


def plain(text: str) -> str:
    """Return `text` so that matplotlib shows it literally, on one line of limited length.

    Mathtext is escaped and a leading underscore does not hide the label. Characters that the font lacks are written as
    Python escapes. The middle of a long name is left out.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
    known = _letters(tuple(mpl.rcParams["font.family"]))
    text = "".join(each if ord(each) in known else f"\\u{ord(each):04x}" for each in text)
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


@lru_cache
def _letters(families: tuple[str, ...]) -> frozenset[int]:
    """Return the code points that the fonts contain."""
    return frozenset(
        letter for family in families for letter in get_font(findfont(FontProperties(family=[family]))).get_charmap()
    )


def percent(fraction: float) -> str:
    """Format a fraction as a percentage with three significant digits.

    Examples
    --------
    >>> percent(0.05), percent(0.0125), percent(0.97222)
    ('5 %', '1.25 %', '97.2 %')
    """
    return f"{100 * fraction:.3g} %"


def legend(ax: Axes) -> None:
    """Add a legend below the axes, or to the right if there are many lines, so that it covers no data.

    A figure created by this package with a single axes grows by the size of the legend.
    """
    name_lines(ax)
    fit_when_drawn(ax)
    figure = ax.get_figure(root=True)
    if isinstance(figure, Picture) and figure.axes == [ax]:
        wider, higher = room_needed(ax, RendererAgg(8, 8, figure.dpi))
        figure.set_size_inches(figure.get_figwidth() + wider, figure.get_figheight() + higher)
