"""Axes and figures to draw into: the caller's, after a check, or new ones."""

from collections import deque
from typing import Any, Literal
from weakref import ReferenceType, ref

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase, SubFigure

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.plotting.drawing.fitting import fit_when_drawn

# In vector files text stays text: TrueType fonts, which journals require, instead of outlines.
TEXT_STAYS_TEXT: Any = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none"}
MOST_OPEN = 10  # figures that pyplot keeps open when its backend cannot show them
NEVER_SHOWN = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
_open: deque[ReferenceType[Figure]] = deque()


class Picture(Figure):
    """A figure created by this package, whose PDF and SVG files contain text that can be searched and edited."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure, as matplotlib does."""
        with mpl.rc_context(TEXT_STAYS_TEXT):
            super().savefig(fname, **options)


def axes_or_new(ax: Axes | None, *, width: float = 5.6, height: float = 3.6) -> Axes:
    """Return `ax`, or the axes of a new pyplot figure, which notebooks show automatically.

    Raises
    ------
    InvalidTypeError
        When `ax` is something else, such as a figure, or several axes.
    InvalidValueError
        When `ax` has been removed from its figure.
    """
    if ax is None:
        ax = new_figure(width, height).subplots()
    if isinstance(ax, FigureBase):
        raise InvalidTypeError(f"ax={ax!r} is a figure: pass axes in it, figure.subplots()")
    if not isinstance(ax, Axes):
        raise InvalidTypeError(f"ax={type(ax).__name__} is not an axes: pass one, such as plt.subplots()[1]")
    figure = ax.get_figure(root=True)
    if figure is None or not any(ax is each or ax in each.child_axes for each in figure.axes):
        raise InvalidValueError("ax has been removed from its figure: pass an axes that is part of one")
    if isinstance(figure, Picture):
        _keep_look(ax)
    fit_when_drawn(ax)
    return ax


def _keep_look(ax: Axes) -> None:
    """Fix the style of ticks now: matplotlib creates most of them at draw time, with the style of that moment."""
    current: Any = mpl.rcParams
    axes: tuple[Literal["x", "y"], ...] = ("x", "y")
    for axis in axes:
        settings = {name: current[f"{axis}tick.{name}"] for name in ("labelsize", "labelcolor", "color")}
        ax.tick_params(axis=axis, grid_color=current["grid.color"], **settings)


def figure_or_new(
    figure: Figure | SubFigure | None,
    *,
    width: float,
    height: float,
    layout: Literal["constrained", "compressed"] = "constrained",
) -> Figure | SubFigure:
    """Return `figure`, or a new pyplot figure, which notebooks show automatically.

    Raises
    ------
    InvalidTypeError
        When `figure` is something else, such as axes.
    InvalidValueError
        When `figure` already has axes.
    """
    if figure is None:
        return new_figure(width, height, layout)
    if not isinstance(figure, FigureBase):
        raise InvalidTypeError(f"figure={type(figure).__name__} is not a figure: pass plt.figure(), or a subfigure")
    if figure.axes or figure.subfigs:
        raise InvalidValueError(
            f"figure={figure!r} already has axes or subfigures: pass a new figure, or one of figure.subfigures(1, 2)"
        )
    return figure


def new_figure(width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained") -> Figure:
    """Return a new pyplot figure; without a display, close the oldest ones created here."""
    if mpl.get_backend().lower() in NEVER_SHOWN:
        while len(_open) >= MOST_OPEN:
            if (forgotten := _open.popleft()()) is not None:
                pyplot.close(forgotten)
    with mpl.rc_context({"figure.max_open_warning": 0}):
        figure = pyplot.figure(figsize=(width, height), layout=layout, FigureClass=Picture)
    _open.append(ref(figure))
    return figure
