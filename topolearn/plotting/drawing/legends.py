"""Legends that cover no data: below the axes in as many columns as fit, or to the right."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox, ScaledTranslation

from topolearn.plotting.drawing.ink import background_of, inks_on
from topolearn.plotting.drawing.wrapping import wrapped

SEVERAL = 8  # a legend of more lines may be placed to the right of the axes
BESIDE = 0.45  # maximum share of the width for a legend to the right of the axes
INCHES_LEFT, SHARE_LEFT = 1.6, 0.6  # height reserved for the axes and their text above a legend
WIDEST = 3.0  # maximum inches by which a figure created here grows
HANDLE, PAD, BETWEEN, SPACING = 2.6, 0.6, 1.4, 0.35  # in font sizes, as in matplotlib
LINE = 1.25  # height of a line of text, in font sizes
SIZES = ("small", "x-small")
APART = 5  # points between the axes and a legend
INSET = 0.06  # inches on both sides


class Key(Artist):
    """The entries of a legend, and the legend as last placed; as an artist, it reserves the space for the legend.

    A layout engine that saw the legend itself would shrink the axes whenever the legend is wider than they are.
    """

    def __init__(self, ax: Axes, handles: list[Artist], labels: list[str]) -> None:
        super().__init__()
        self.picture = ax
        self.handles, self.labels = handles, labels
        self.placed: Legend | None = None
        self.form: Form | None = None
        self.ink = ""
        self.below = self.aside = 0.0  # inches that it needs below and to the right of the axes
        self.set_clip_on(False)  # otherwise a layout assumes that it is within the axes
        ax.add_artist(self)

    def draw(self, renderer: RendererBase) -> None:
        """Draw nothing."""

    def get_tightbbox(self, renderer: RendererBase | None = None) -> Bbox | None:
        """Return the bounding box of the axes and the space for the legend."""
        figure = self.picture.get_figure(root=True)
        if figure is None or not self.is_shown:
            return None
        box, inch = self.picture.bbox, figure.dpi
        return Bbox.from_extents(box.x0, box.y0 - self.below * inch, box.x1 + self.aside * inch, box.y1)

    @property
    def is_shown(self) -> bool:
        """Whether the legend of the axes is the one placed here, not the caller's."""
        return self.placed is not None and self.picture.get_legend() is self.placed


def key_of(ax: Axes) -> Key | None:
    """Return the key of an axes, or None if it has no legend from here."""
    return next((each for each in ax.artists if isinstance(each, Key)), None)


def room_beside(ax: Axes) -> tuple[int, int]:
    """Return the space that the legend of an axes takes below and to the right of it, in points."""
    key = key_of(ax)
    return (0, 0) if key is None else (round(72 * key.below), round(72 * key.aside))


@dataclass(frozen=True)
class Form:
    """The layout of a legend: its labels, broken into lines, its columns, and its height in pixels."""

    labels: list[str]
    n_columns: int
    size: str
    height: float


class Measure:
    """Measures labels in one font size, in pixels."""

    def __init__(self, ax: Axes, size: str, renderer: RendererBase) -> None:
        figure = ax.get_figure(root=True)
        assert figure is not None
        self.size, self.dpi, self._renderer = size, figure.dpi, renderer
        self.em = FontProperties(size=size).get_size_in_points() * figure.dpi / 72
        self._text = Text(0, 0, "", fontsize=size, figure=figure)

    def width(self, label: str) -> float:
        """Return the width of a label, or of its longest line."""
        self._text.set_text(label)
        return float(self._text.get_window_extent(self._renderer).width)


def name_lines(ax: Axes) -> None:
    """Add a legend for the lines of an axes; its final place is chosen when the figure is drawn."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    if (before := key_of(ax)) is not None:
        before.remove()
    _draw(ax, Key(ax, handles, labels), Form(labels, 1, SIZES[0], 0))


def legends_of(figure: Figure) -> list[Legend]:
    """Return the legends of a figure that this module placed."""
    keys = [key for ax in figure.axes if (key := key_of(ax)) is not None and key.is_shown]
    return [key.placed for key in keys if key.placed is not None]


def place_legend(ax: Axes, cell: Bbox, renderer: RendererBase) -> None:
    """Place a legend where it fits in the cell of its axes, given in pixels; leave a legend of the caller alone."""
    key = key_of(ax)
    if key is None or not key.is_shown:
        return
    figure = ax.get_figure(root=True)
    assert figure is not None
    inch = figure.dpi
    cell = Bbox.from_extents(cell.x0 + INSET * inch, cell.y0, cell.x1 - INSET * inch, cell.y1)
    measured = {size: Measure(ax, size, renderer) for size in SIZES}
    beside = _beside(key.labels, measured, cell) if len(key.labels) > SEVERAL else None
    form = beside or _below(key.labels, measured, cell)
    _draw(ax, key, form)
    assert key.placed is not None
    if beside:
        width = key.placed.get_window_extent(renderer).width / inch
        key.aside, key.below = APART / 72 + width, 0.0
        corner, shift = (1.0, 1.0), (APART / 72, 0.0)
    else:
        words = ax.xaxis.get_tightbbox(renderer)
        depth = APART / 72 + (0.0 if words is None else max(0.0, ax.bbox.y0 - words.y0) / inch)
        key.aside, key.below = 0.0, depth + key.placed.get_window_extent(renderer).height / inch
        corner, shift = (0.0, 0.0), ((cell.x0 - ax.bbox.x0) / inch, -depth)
    key.placed.set_bbox_to_anchor(corner, ax.transAxes + ScaledTranslation(*shift, figure.dpi_scale_trans))


def room_needed(ax: Axes, renderer: RendererBase) -> tuple[float, float]:
    """Return the inches of additional width and height that a figure needs for the legend of its axes."""
    key, figure = key_of(ax), ax.get_figure(root=True)
    if key is None or figure is None:
        return 0.0, 0.0
    measure = Measure(ax, SIZES[0], renderer)
    if len(key.labels) > SEVERAL:
        n_columns = math.ceil(len(key.labels) * measure.em * (1 + SPACING) / (0.8 * figure.bbox.height))
        beside = n_columns * (max(map(measure.width, key.labels)) + (HANDLE + PAD + BETWEEN) * measure.em)
        if beside <= WIDEST * figure.dpi:
            return beside / figure.dpi, 0.0
    return 0.0, _columns(key.labels, measure, figure.bbox.width - 2 * INSET * figure.dpi).height / figure.dpi


def _beside(labels: list[str], measured: Mapping[str, Measure], cell: Bbox) -> Form | None:
    """Return the form of a legend to the right of the axes, or None if it would be too wide."""
    for size, measure in measured.items():
        n_columns = math.ceil(len(labels) * measure.em * (1 + SPACING) / cell.height)
        width = n_columns * (max(map(measure.width, labels)) + (HANDLE + PAD + BETWEEN) * measure.em)
        if width <= BESIDE * cell.width:
            return Form(labels, n_columns, size, cell.height)
    return None


def _below(labels: list[str], measured: Mapping[str, Measure], cell: Bbox) -> Form:
    """Return the form of a legend below the axes, if necessary in a smaller font or with some lines left out."""
    for measure in measured.values():
        room = max(cell.height - INCHES_LEFT * measure.dpi, (1 - SHARE_LEFT) * cell.height)
        form = _columns(labels, measure, cell.width)
        if form.height <= room:
            return form
    n_named = max(1, int(len(labels) * room / form.height) - 1)
    if n_named >= len(labels) - 1:
        return form
    return replace(form, labels=[*form.labels[:n_named], f"… {len(labels) - n_named} more"])


def _columns(labels: list[str], measure: Measure, room: float) -> Form:
    """Return the form with as many columns as fit, filled column by column."""
    aside = (HANDLE + PAD) * measure.em
    broken = [wrapped(label, room - aside, measure.width) for label in labels]
    widths = [measure.width(label) for label in broken]
    for n_columns in range(len(labels), 0, -1):
        columns = np.array_split(np.arange(len(labels)), n_columns)
        width = sum(aside + max(widths[i] for i in column) for column in columns)
        if width + BETWEEN * measure.em * (n_columns - 1) <= room or n_columns == 1:
            n_lines = max(sum(broken[i].count("\n") * LINE + 1 + SPACING for i in column) for column in columns)
            return Form(broken, n_columns, measure.size, n_lines * measure.em)
    raise AssertionError("a legend has a label")


def _draw(ax: Axes, key: Key, form: Form) -> None:
    """Redraw the legend if its form or colour has changed."""
    ink = inks_on(background_of(ax.get_figure(root=False))).text
    if key.placed is not None and (key.form, key.ink) == (form, ink):
        return
    handles, n_named = key.handles[: len(form.labels)], len(form.labels)
    if n_named < len(key.handles):
        handles[-1] = Text()  # represents all entries that are left out
    shown: dict[Artist, object] = {handle: _NoHandle() for handle in handles[-1:] if isinstance(handle, Text)}
    key.placed = ax.legend(
        handles, form.labels, ncols=form.n_columns, fontsize=form.size, loc="upper left", frameon=False,
        borderaxespad=0, borderpad=0, handlelength=HANDLE, handletextpad=PAD, columnspacing=BETWEEN,
        labelspacing=SPACING, labelcolor=ink, handler_map=shown,
    )  # fmt: skip
    key.form, key.ink = form, ink


class _NoHandle:
    """A legend handler that draws nothing next to a label."""

    def legend_artist(self, legend: Legend, *_: object) -> Artist:
        """Return an invisible artist."""
        nothing = Text()
        nothing.set_figure(legend.figure)
        return nothing
