"""Ticks whose labels do not touch, whatever the size of the axis."""

import math
from collections.abc import Callable, Iterator, Sequence
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.backend_bases import RendererBase
from matplotlib.ticker import AutoLocator, FuncFormatter, Locator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

LETTER, GAP = 0.62, 0.9  # width of a digit, and gap between two labels, in font sizes
LINE = 1.7  # height of a label and its spacing, in font sizes
ROOM_X, ROOM_Y = 3, 2  # font sizes that matplotlib reserves for a tick
MOST_TICKS = 9
TURNED = 30  # degrees
NAMES: WeakKeyDictionary[Axes, list[str]] = WeakKeyDictionary()  # layer names below axes


class _RoomyTicks(Locator):
    """The first of several choices of ticks whose labels fit; subclasses define the choices."""

    _last: tuple[object, Sequence[float]] = (None, ())  # a figure asks dozens of times while it is arranged

    def __call__(self) -> Sequence[float]:
        """Return the ticks."""
        return self.tick_values(*self.axis.get_view_interval())  # type: ignore[union-attr]

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Return the ticks within limits."""
        assert isinstance(self.axis, Axis)
        low, high = sorted((vmin, vmax))
        asked = low, high, self.axis.get_tick_space(), self.axis.get_scale(), self.axis.get_major_formatter()
        if self._last[0] != asked:
            self._last = asked, self._chosen(low, high)
        return [*self._last[1]]

    def _chosen(self, low: float, high: float) -> Sequence[float]:
        ticks = np.empty(0)
        for choice in self.choices(low, high):
            slack = 1e-9 * (high - low)
            within = choice[(choice >= low - slack) & (choice <= high + slack)]
            if within.size >= min(ticks.size, 2):  # a single tick shows no scale
                ticks = within
            if within.size and self._have_room(within, low, high):
                break
        return ticks.tolist()

    def choices(self, low: float, high: float) -> Iterator[NDArray[np.float64]]:
        """Yield choices of ticks, those with most ticks first."""
        raise NotImplementedError

    def _have_room(self, ticks: NDArray[np.float64], low: float, high: float) -> bool:
        """Return whether the labels of ticks do not touch; distances are in font sizes."""
        axis = self.axis
        assert isinstance(axis, Axis)
        if len(ticks) == 1:
            return True
        ends = axis.get_transform().transform(np.array([low, high], dtype=float))
        places = axis.get_transform().transform(ticks.astype(float))
        length = (ROOM_X if isinstance(axis, XAxis) else ROOM_Y) * (axis.get_tick_space() + 0.5)
        apart = np.diff(places) / (ends[1] - ends[0]) * length
        if not isinstance(axis, XAxis):
            return bool((apart >= LINE).all())
        words = axis.get_major_formatter()
        widths = np.array([LETTER * len(words(tick)) for tick in ticks])
        return bool((apart >= (widths[1:] + widths[:-1]) / 2 + GAP).all())


class EvenTicks(_RoomyTicks):
    """Round numbers in even steps; integers if requested."""

    def __init__(self, *, integer: bool = False) -> None:
        self._integer = integer

    def choices(self, low: float, high: float) -> Iterator[NDArray[np.float64]]:
        """Yield ticks in larger and larger steps."""
        for n in range(MOST_TICKS, 0, -1):
            steps = MaxNLocator(n, integer=self._integer, steps=[1, 2, 2.5, 5, 10], min_n_ticks=1)
            yield np.asarray(steps.tick_values(low, high))

    def view_limits(self, vmin: float, vmax: float) -> tuple[float, float]:
        """Return the limits themselves."""
        return (vmin, vmax) if vmin != vmax else (vmin - 0.5, vmax + 0.5)


class LogTicks(_RoomyTicks):
    """Round numbers on a logarithmic axis; several even if it spans less than a decade."""

    def choices(self, low: float, high: float) -> Iterator[NDArray[np.float64]]:
        """Yield ticks within decades, then decades, then some decades; first even steps if those are too few."""
        if low <= 0:
            return
        decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        within = np.multiply.outer(10.0**decades, [1, 2, 5]).ravel()
        if ((within >= low) & (within <= high)).sum() < 3:
            for n in (5, 4, 3, 2):
                yield np.asarray(MaxNLocator(n, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        yield within
        yield np.multiply.outer(10.0**decades, [1, 3]).ravel()
        for n in range(1, 1 + len(decades)):
            yield 10.0 ** decades[decades % n == 0]


class ShareTicks(AutoLocator):
    """Matplotlib's ticks without impossible shares, which the limits around equal values would have."""

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Return the ticks within limits."""
        return [tick for tick in super().tick_values(vmin, vmax) if -1e-9 < tick < 1 + 1e-9]


def whole_ticks(axis: Axis) -> None:
    """Put round integers on an axis, as many as fit."""
    axis.set_major_formatter(FuncFormatter(lambda number, _: f"{abs(number):,.0f}"))
    axis.set_major_locator(EvenTicks(integer=True))


def percent_ticks(axis: Axis) -> None:
    """Label an axis of fractions with percentages, none of which is below 0 or above 100."""
    if isinstance(axis.get_major_locator(), AutoLocator):
        axis.set_major_locator(ShareTicks())
    axis.set_major_formatter(FuncFormatter(lambda fraction, _: f"{100 * fraction:.5g} %"))


def log_ticks(axis: Axis, words: Callable[[float], str]) -> None:
    """Put round numbers on a logarithmic axis, as many as fit, and at least two."""
    axis.set_major_formatter(FuncFormatter(lambda number, _: words(number)))
    axis.set_major_locator(LogTicks())
    axis.set_minor_formatter(NullFormatter())


def layer_ticks(ax: Axes, places: Sequence[int], names: Sequence[str]) -> None:
    """Name layers below the axes; names that would overlap are rotated at draw time."""
    ax.set_xticks(places, names)
    NAMES[ax] = list(names)


def turn_names(ax: Axes, renderer: RendererBase) -> None:
    """Rotate the names of layers if they would overlap, and leave some out if they still do."""
    if ax not in NAMES:
        return
    names, places = NAMES[ax], ax.get_xticks()
    ax.set_xticks(places, names)
    labels = ax.get_xticklabels()
    for label in labels:
        label.set(rotation=0, ha="center", va="top", rotation_mode="anchor")
    boxes = [label.get_window_extent(renderer) for label in labels]
    ends = ax.transData.transform([(place, 0) for place in places])[:, 0]
    apart = float(np.diff(ends).min()) if len(ends) > 1 else ax.bbox.width
    height = max(box.height for box in boxes)
    if max(box.width for box in boxes) + 0.5 * height <= apart:
        return
    steep = apart < 1.3 * height / np.sin(np.radians(TURNED))
    every = math.ceil(1.3 * height / apart) if steep else 1
    letters = max(6, int(ax.bbox.height / (0.6 * height)))  # at most the height of the axes
    short = [name if len(name) <= letters else f"…{name[1 - letters :]}" for name in names]
    ax.set_xticks(places, [name if i % every == 0 else "" for i, name in enumerate(short)])
    for label in ax.get_xticklabels():
        label.set(rotation=90 if steep else TURNED, ha="right", va="center" if steep else "top")
