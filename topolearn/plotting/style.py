"""The one look of all pictures, and how names and numbers are written in them."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

import matplotlib as mpl
import matplotlib.style
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter, MaxNLocator

SEVERAL = 8  # lines that colour alone tells apart; more also differ in dash
DASHES = ("-", "--", ":", "-.")
LONGEST = 60  # letters of a name on a picture
LONG_NAME = 12  # letters of a layer, beyond which names below the axes would meet
LEAST_INCHES_OF_AXES = 3.8  # with their own labels
INCHES_BESIDE_LABEL, INCHES_OF_LETTER = 0.6, 0.075  # in a legend
FEW_POINTS = 30  # up to here every point of a line gets its own dot


def style() -> AbstractContextManager[None]:
    """Return a context in which figures are made in the look of the package.

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
    context: AbstractContextManager[None] = matplotlib.style.context("topolearn.plotting.style")
    return context


def axes_or_new(ax: Axes | None, *, width: float = 5.6, height: float = 3.6) -> Axes:
    """Return `ax`, or the axes of a new pyplot figure, which notebooks show by themselves."""
    return pyplot.subplots(figsize=(width, height))[1] if ax is None else ax


def line_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the look of each name's line: it depends on its place alone, so plots agree.

    Later lines are thinner, so that an earlier one still shows where they coincide.
    """
    colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"][:SEVERAL]
    return {
        name: {
            "color": colours[i % SEVERAL],
            "linestyle": DASHES[i // SEVERAL % len(DASHES)],
            "linewidth": max(1.2, 2.6 - 0.5 * i),
        }
        for i, name in enumerate(names)
    }


def marker(n_points: int) -> str | None:
    """Return a dot for short lines, so that a line of one point can be seen."""
    return "o" if n_points <= FEW_POINTS else None


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


def percent_ticks(axis: Axis) -> None:
    """Label an axis of fractions with percentages."""
    axis.set_major_formatter(FuncFormatter(lambda fraction, _: f"{100 * fraction:.5g} %"))


def whole_ticks(axis: Axis) -> None:
    """Put round whole numbers on an axis, as many as there is room for."""
    axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(lambda number, _: f"{abs(number):,.0f}"))


def legend(ax: Axes, **where: Any) -> None:
    """Draw the legend inside, or beside the axes when it has more lines than would fit.

    A figure of one axes becomes wider, if it must be, for a legend beside them.
    """
    handles, labels = ax.get_legend_handles_labels()
    if len(handles) > SEVERAL:
        n_columns = 1 + len(handles) // 16
        where = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "ncols": n_columns}
        figure = ax.get_figure()
        if isinstance(figure, Figure) and len(figure.axes) == 1:
            beside = n_columns * (INCHES_BESIDE_LABEL + INCHES_OF_LETTER * max(map(len, labels)))
            figure.set_figwidth(max(figure.get_figwidth(), LEAST_INCHES_OF_AXES + beside))
    ax.legend(handles, labels, **where)


def layer_ticks(ax: Axes, places: Sequence[int], names: Sequence[str]) -> None:
    """Name layers below the axes; long names are turned, as they would meet."""
    ax.set_xticks(places, names)
    if max(map(len, names)) > LONG_NAME:
        for label in ax.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
