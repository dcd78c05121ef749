"""Fitting of text, legends and names at draw time, when the size of a figure is known."""

import io
from typing import Any
from weakref import WeakSet

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine, LayoutEngine, PlaceHolderLayoutEngine, TightLayoutEngine
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from topolearn.plotting.drawing.ink import make_legible
from topolearn.plotting.drawing.legends import legends_of, place_legend, room_beside
from topolearn.plotting.drawing.ticks import turn_names
from topolearn.plotting.drawing.wrapping import wrap

MOST_ROUNDS = 5
FITTED: WeakSet[Axes] = WeakSet()
SIDES = ("left", "right", "bottom", "top", "wspace", "hspace")


class FittingLayout(PlaceHolderLayoutEngine):
    """A layout engine that fits the axes drawn by this package, and lets another engine arrange them.

    A figure without an engine gets a constrained layout, unless its caller has moved the subplots. Matplotlib still
    treats it as a figure without an engine: ``subplots_adjust`` and ``tight_layout`` keep working.
    """

    def __init__(self, inner: LayoutEngine | None) -> None:
        super().__init__(
            adjust_compatible=inner is None or inner.adjust_compatible,
            colorbar_gridspec=inner is None or inner.colorbar_gridspec,
        )
        self.inner = inner

    def execute(self, fig: Figure) -> None:
        """Alternate fitting and arranging until both agree, because the space for text and the axes' size interact."""
        inner = self.inner or (ConstrainedLayoutEngine() if _untouched(fig) else None)
        renderer = RendererAgg(8, 8, fig.dpi)  # measures text, also for vector files
        _fit_all(fig, renderer, rewrap=True)  # a first guess, which usually holds once the axes are arranged
        for i in range(MOST_ROUNDS):
            _arrange(fig, inner)
            before = _room_taken(fig)
            _fit_all(fig, renderer, rewrap=i == 0)
            if _room_taken(fig) == before and (i > 0 or not _keeps_a_shape(fig)):
                break


def png(figure: Figure, dpi: float, *, compress_level: int = 6) -> bytes:
    """Return a figure as a PNG file, arranged once and drawn once; ``savefig`` draws it twice, to arrange it first."""
    figure.set_dpi(dpi)
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file, pil_kwargs={"compress_level": compress_level})
    return file.getvalue()


def _fit_all(figure: Figure, renderer: RendererBase, *, rewrap: bool) -> None:
    for ax in figure.axes:
        if ax in FITTED:
            fit(ax, renderer, rewrap=rewrap)
    _wrap_titles(figure, renderer)


def _keeps_a_shape(figure: Figure) -> bool:
    """Return whether axes shrink to keep their aspect, which an engine notices only in its next round."""
    return any(ax.get_aspect() != "auto" for ax in figure.axes)


def _room_taken(figure: Figure) -> list[object]:
    """Return everything that determines the space that text and legends take."""
    words = [(text.get_text(), text.get_rotation(), text.get_fontsize()) for text in figure.findobj(Text)]
    return [*words, *(room_beside(ax) for ax in figure.axes)]


def _arrange(figure: Figure, engine: LayoutEngine | None) -> None:
    """Let an engine arrange the axes with the space that legends need, regardless of where the legends are now."""
    if engine is None:
        return
    legends = legends_of(figure)
    for legend in legends:
        legend.set_in_layout(False)
    try:
        engine.execute(figure)
    finally:
        for legend in legends:
            legend.set_in_layout(True)


def fit_when_drawn(ax: Axes) -> None:
    """Make an axes be fitted whenever its figure is drawn."""
    FITTED.add(ax)
    figure = ax.get_figure(root=True)
    assert figure is not None
    engine = figure.get_layout_engine()
    if not isinstance(engine, FittingLayout):
        figure.set_layout_engine(FittingLayout(engine))


def is_tight(figure: Figure | SubFigure) -> bool:
    """Return whether the caller has chosen a tight layout."""
    root = figure.get_figure(root=True)
    engine = None if root is None else root.get_layout_engine()
    return isinstance(engine.inner if isinstance(engine, FittingLayout) else engine, TightLayoutEngine)


def fit(ax: Axes, renderer: RendererBase, *, rewrap: bool = True) -> None:
    """Make the text of an axes legible, wrap it where it would overflow, and place the legend."""
    make_legible(ax)
    turn_names(ax, renderer)
    cell = Bbox.union([cell_of(ax), ax.bbox])  # columns of a layout may differ in width
    across, label = ax.bbox.frozen(), ax.xaxis.label
    middle = (across.x0 + across.x1) / 2
    wrap(label, 2 * min(middle - cell.x0, cell.x1 - middle), renderer, rewrap=rewrap)
    wrap(ax.yaxis.label, across.height, renderer, rewrap=rewrap)
    locate = ax.get_axes_locator()
    ax.apply_aspect(None if locate is None else locate(ax, renderer))  # titles begin where the drawn axes begin
    for title in (child for child in ax.get_children() if isinstance(child, Text) and child not in ax.texts):
        wrap(title, cell.x1 - ax.bbox.x0, renderer, rewrap=rewrap)
    place_legend(ax, cell, renderer)


def cell_of(ax: Axes) -> Bbox:
    """Return the region of the figure that an axes may fill with all its text, in pixels."""
    figure: Any = ax.get_figure(root=False)
    spec = ax.get_subplotspec()
    if spec is None:
        return Bbox(figure.bbox.get_points())
    grid = spec.get_topmost_subplotspec().get_gridspec()
    margins, place = grid.get_subplot_params(figure), spec.get_position(figure)
    width, height = margins.right - margins.left, margins.top - margins.bottom
    # Each of two neighbouring cells gets half of the space between them.
    aside = margins.wspace / (grid.ncols + margins.wspace * (grid.ncols - 1)) / 2
    above = margins.hspace / (grid.nrows + margins.hspace * (grid.nrows - 1)) / 2
    x0, x1 = (place.x0 - margins.left) / width - aside, (place.x1 - margins.left) / width + aside
    y0, y1 = (place.y0 - margins.bottom) / height - above, (place.y1 - margins.bottom) / height + above
    box = figure.bbox
    return Bbox.from_extents(
        box.x0 + box.width * max(x0, 0), box.y0 + box.height * max(y0, 0),
        box.x0 + box.width * min(x1, 1), box.y0 + box.height * min(y1, 1),
    )  # fmt: skip


def _wrap_titles(figure: Figure | SubFigure, renderer: RendererBase) -> None:
    """Wrap the titles of a figure and of its subfigures."""
    for text in figure.texts:
        wrap(text, 0.98 * figure.bbox.width, renderer)
    for inner in figure.subfigs:
        _wrap_titles(inner, renderer)


def _untouched(figure: Figure) -> bool:
    """Return whether the subplots are at matplotlib's default positions."""
    settings: Any = mpl.rcParams
    return all(getattr(figure.subplotpars, side) == settings[f"figure.subplot.{side}"] for side in SIDES)
