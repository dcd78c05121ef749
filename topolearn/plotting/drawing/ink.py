"""Colours that are legible on the current background, that of the caller's figure or of the active style."""

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text

LEAST_CONTRAST = 4.5  # of text against its background, as WCAG requires
LEAST_OF_LINES = 1.5
OPAQUE = 0.5  # the alpha from which a background counts as opaque


@dataclass(frozen=True)
class Inks:
    """The colours of a figure."""

    text: str
    quiet: str  # for reference lines and notes
    edge: str
    grid: str
    link: str
    hub: str
    other: str  # neurons that are not hubs, and past states
    cycle: tuple[str, ...]

    @property
    def settings(self) -> dict[str, Any]:
        """The matplotlib settings for these colours."""
        text = ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor")
        edges = dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), self.edge)
        colours = {"axes.prop_cycle": cycler(color=self.cycle), "grid.color": self.grid}
        return dict.fromkeys(text, self.text) | edges | colours


# The colour-blind safe palette of Okabe and Ito, with lighter variants on dark backgrounds.
LIGHT = Inks(
    text="#222222", quiet="#666666", edge="#666666", grid="#E3E3E3", link="#0072B2", hub="#D55E00", other="#9AA5B1",
    cycle=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#B8A800"),
)  # fmt: skip
DARK = Inks(
    text="#EEEEEE", quiet="#A8A8A8", edge="#A8A8A8", grid="#3A3A3A", link="#56B4E9", hub="#FF8C42", other="#8793A0",
    cycle=("#56B4E9", "#FF8C42", "#2FC49A", "#E29CC4", "#E6B422", "#9AD8FF", "#FFFFFF", "#D8CC3A"),
)  # fmt: skip


def luminance(colour: Any) -> float:
    """Return the relative luminance of a colour, from 0 for black to 1 for white."""
    encoded = np.array(to_rgb(colour))
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: Any, other: Any) -> float:
    """Return the contrast ratio of two colours, from 1 to 21.

    Examples
    --------
    >>> contrast("black", "white"), contrast("white", "white")
    (21.0, 1.0)
    """
    darker, lighter = sorted((luminance(one), luminance(other)))
    return round((lighter + 0.05) / (darker + 0.05), 6)


def inks_on(background: Any) -> Inks:
    """Return the colours for a background."""
    return DARK if contrast(background, "white") > contrast(background, "black") else LIGHT


def background_of(where: Axes | Figure | SubFigure | None) -> Any:
    """Return the colour behind an axes, a figure or (for None) a new figure, looking through transparent layers."""
    if where is None:
        return _solid(mpl.rcParams["figure.facecolor"]) or _page()
    colour = _solid(where.get_facecolor())
    if colour is not None:
        return colour
    return _page() if isinstance(where, Figure) else background_of(where.get_figure(root=False))


def _solid(colour: Any) -> Any:
    return colour if to_rgba(colour)[3] >= OPAQUE else None


def _page() -> str:
    """Return the colour behind a transparent figure, inferred from the caller's text colour."""
    return (
        "black"
        if contrast(mpl.rcParams["text.color"], "white") < contrast(mpl.rcParams["text.color"], "black")
        else "white"
    )


def make_legible(ax: Axes) -> None:
    """Change the colour of text and edges that are indistinguishable from the background."""
    figure = ax.get_figure(root=False)
    outside, inside = background_of(figure), background_of(ax)
    notes = set(ax.texts)
    for text in (*(child for child in ax.get_children() if isinstance(child, Text)), ax.xaxis.label, ax.yaxis.label):
        behind = inside if text in notes else outside
        if contrast(text.get_color(), behind) < LEAST_CONTRAST:
            text.set_color(inks_on(behind).text)
    for axis in (ax.xaxis, ax.yaxis):
        _make_ticks_legible(axis, outside)
    for spine in ax.spines.values():
        if contrast(spine.get_edgecolor(), outside) < LEAST_OF_LINES:
            spine.set_edgecolor(inks_on(outside).edge)


def _make_ticks_legible(axis: Axis, behind: Any) -> None:
    tick = axis.get_major_ticks(1)[0]
    inks = inks_on(behind)
    if contrast(tick.label1.get_color(), behind) < LEAST_CONTRAST:
        axis.set_tick_params(which="both", labelcolor=inks.text)
    if contrast(tick.tick1line.get_color(), behind) < LEAST_OF_LINES:
        axis.set_tick_params(which="both", color=inks.edge)
