"""The one look of all pictures, and how names and numbers are written in them."""

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

from topolearn.plotting.canvas import Picture, axes_or_new, figure_or_new
from topolearn.plotting.fitting import fit_when_drawn
from topolearn.plotting.ink import Inks, background_of, inks_on
from topolearn.plotting.legends import name_lines, room_needed
from topolearn.plotting.ticks import layer_ticks, log_ticks, percent_ticks, whole_ticks

__all__ = [
    "DASHES", "axes_or_new", "colours_of", "draw_line", "figure_or_new", "layer_ticks", "legend", "line_styles",
    "log_ticks", "percent", "percent_ticks", "plain", "style", "style_for", "whole_ticks",
]  # fmt: skip

COLOURS = 8
LONGEST = 60  # letters of a name on a picture
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.6)), (0, (1, 1.2)), (0, (6, 1.6, 1, 1.6)), (0, (3, 1.2, 1, 1.2, 1, 1.2)))
FEW_POINTS = 30  # up to here every point of a line gets its own mark
MARKS = 8  # on a longer line


def style() -> AbstractContextManager[None]:
    """Return a context in which figures are made in the look of the package.

    In a dark style of matplotlib, such as ``plt.style.use("dark_background")``, colours are those for dark.

    Returns
    -------
    context manager
        Settings of matplotlib are put back when it is left.

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
    """Return a context with the look of the package for what is behind an axes or a figure, or behind a new one."""
    known = where if isinstance(where, Axes | FigureBase) else None
    inks = inks_on(background_of(known))
    context: AbstractContextManager[None] = matplotlib.style.context(["topolearn.plotting.style", inks.settings])
    return context


def colours_of(ax: Axes) -> Inks:
    """Return the colours that can be told from the background of an axes."""
    return inks_on(background_of(ax))


def line_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the look of each name's line: it depends on its place alone, so plots agree.

    Up to forty lines differ without their colours, by mark and dash. Later lines are thinner, so that an earlier one
    still shows where they coincide, through the gaps of their dashes.

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
    """Draw a line, with a mark on each point, or on some of many: others than those of the line before it."""
    n_points, place = len(x), len(ax.lines)
    every = max(1, n_points // MARKS) if n_points > FEW_POINTS else 1
    (line,) = ax.plot(x, y, markevery=(place * every // 3 % every, every), **look)
    return line


def plain(text: str) -> str:
    """Return `text` so that matplotlib shows it letter by letter, in one line that fits on a picture.

    There is no mathtext and no hidden label; letters that the font lacks are written as Python escapes them; of a long
    name the beginning and the end are left.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
    known = _letters(tuple(mpl.rcParams["font.family"]))
    text = "".join(each if ord(each) in known else f"\\u{ord(each):04x}" for each in text)
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


@lru_cache
def _letters(families: tuple[str, ...]) -> frozenset[int]:
    """Return the letters of fonts, by their numbers."""
    return frozenset(
        letter for family in families for letter in get_font(findfont(FontProperties(family=[family]))).get_charmap()
    )


def percent(fraction: float) -> str:
    """Write a fraction as a percentage of three digits.

    Examples
    --------
    >>> percent(0.05), percent(0.0125), percent(0.97222)
    ('5 %', '1.25 %', '97.2 %')
    """
    return f"{100 * fraction:.3g} %"


def legend(ax: Axes) -> None:
    """Name the lines of an axes below it, or beside it where there are many: a legend covers no data.

    A figure of one axes that was made here becomes as much higher as the legend is.
    """
    name_lines(ax)
    fit_when_drawn(ax)
    figure = ax.get_figure(root=True)
    if isinstance(figure, Picture) and figure.axes == [ax]:
        wider, higher = room_needed(ax, RendererAgg(8, 8, figure.dpi))
        figure.set_size_inches(figure.get_figwidth() + wider, figure.get_figheight() + higher)
