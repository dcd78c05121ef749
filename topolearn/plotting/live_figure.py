"""A figure in a notebook that follows a training: numbers as they are logged, links as they come and go."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

from matplotlib.figure import Figure

from topolearn.errors import InvalidTypeError, MissingPackageError, UnknownNameError
from topolearn.plotting.adjacency import adjacency
from topolearn.plotting.curves import in_words, is_share
from topolearn.plotting.degrees import degree_distribution
from topolearn.plotting.fitting import arrange
from topolearn.plotting.style import axes_or_new, draw_line, legend, line_styles, percent_ticks, style, whole_ticks
from topolearn.registry import suggest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from topolearn.graph import LayeredNetwork

WHOLE = "(network)/"  # in front of what is told of all layers together
PANELS = (("*loss",), ("*accuracy", "*bleu"), (f"{WHOLE}density", f"{WHOLE}active_neurons", f"{WHOLE}overlap"))
WIDTH, HEIGHT, DPI = 3.6, 3.0, 80  # inches of a panel, and their pixels
FIRST = "(first)"  # layer, whatever its name
SHARE = 0.1  # of the time, at most, goes into drawing


def live(
    recorder: RecorderLike | None = None,
    *,
    panels: Sequence[Sequence[str]] = PANELS,
    layer: str | None = None,
) -> LiveFigure:
    """Return a logger that draws, in the cell of a notebook, what a training logs, and draws it again as it goes on.

    In a custom loop, ``tl.plotting.live(recorder)`` follows the recording; elsewhere pass it as
    ``loggers=[tl.plotting.live()]`` to `topolearn.train`, or any other training that takes loggers. It draws after an
    update or a log, but never for more than a tenth of the time.

    Parameters
    ----------
    recorder : Recorder, optional
        Whose numbers and links are drawn from now on, with the first layer if none is named.
    panels : sequence of sequences of str
        For each panel the names of its lines: of what is logged, or, with ``"(network)/"`` in front, of the topology:
        ``n_links``, ``density``, ``active_neurons``, ``overlap``; ``*`` stands for anything. Panels that nothing was
        logged for are left out.
    layer : str, optional
        A layer whose adjacency and degrees are drawn as well, after each update.

    Returns
    -------
    LiveFigure

    Raises
    ------
    MissingPackageError
        When IPython is not installed.
    InvalidTypeError
        When a panel is one name and not several, or `recorder` is not a recorder.

    Examples
    --------
    >>> logger = live(panels=[("train_loss", "val_loss")], layer="hidden1")
    """
    figure = LiveFigure(panels, FIRST if recorder is not None and layer is None else layer)
    if recorder is not None:
        if not hasattr(recorder, "add_logger"):
            raise InvalidTypeError(f"recorder={recorder!r} is not one: pass what tl.record returns, and panels by name")
        recorder.add_logger(figure)
    return figure


class RecorderLike(Protocol):
    """What takes loggers while it records."""

    def add_logger(self, logger: LiveFigure, /) -> None:
        """Tell one more logger what is recorded from now on."""


class LiveFigure:
    """The logger that `live` returns; its `figure` is the one that was drawn last."""

    def __init__(self, panels: Sequence[Sequence[str]] = PANELS, layer: str | None = None) -> None:
        if isinstance(panels, str) or any(isinstance(panel, str) for panel in panels):
            raise InvalidTypeError(f"panels={panels!r}: pass a sequence of names for each panel, as [('loss',)]")
        self._panels, self._layer = [tuple(panel) for panel in panels], layer
        self._lines: dict[str, tuple[list[int], list[float]]] = {}
        self._network: LayeredNetwork | None = None
        self._handle: Any = None
        self._display = _display()
        self._next = float("-inf")  # time from which on it may be drawn again
        self.figure: Figure | None = None

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Take numbers by name."""
        wanted = {name: value for name, value in metrics.items() if any(_matches(name, each) for each in self._panels)}
        for name, value in wanted.items():
            steps, values = self._lines.setdefault(name, ([], []))
            steps.append(step)
            values.append(value)
        if wanted:
            self._draw_in_time()

    def log_network(self, network: LayeredNetwork, step: int) -> None:
        """Take the graphs of all layers after an update.

        Raises
        ------
        UnknownNameError
            When the layer that is to be drawn is not among them.
        """
        if self._layer == FIRST:
            self._layer = next(iter(network), None)
        if self._layer is not None and self._layer not in network.graphs:
            raise UnknownNameError(f"layer={self._layer!r}: {suggest(self._layer, list(network))}")
        self._network = network
        self._draw_in_time()

    def finish(self) -> None:
        """Draw what came since the last time."""
        self.draw()

    def _draw_in_time(self) -> None:
        """Draw, unless it was done a short time ago."""
        if time.perf_counter() >= self._next:
            self.draw()

    def draw(self) -> None:
        """Draw all that was told so far, in the place of what was drawn before."""
        began = time.perf_counter()
        panels = [names for names in map(self._known, self._panels) if names]
        graph = None if self._network is None or self._layer is None else self._network[self._layer]
        n_panels = len(panels) + 2 * (graph is not None)
        if not n_panels:
            return
        with style():
            self.figure = Figure(figsize=(WIDTH * n_panels, HEIGHT), layout="constrained")
            axes = list(self.figure.subplots(1, n_panels, squeeze=False)[0])
            for ax, names in zip(axes, panels, strict=False):
                self._draw_lines(ax, names)
            if graph is not None:
                adjacency(graph, axes[-2], title=self._layer)
                degree_distribution(graph, axes[-1])
            self._show(self.figure)
        now = time.perf_counter()
        self._next = now + (now - began) / SHARE

    def _known(self, panel: Sequence[str]) -> list[str]:
        """Return the names of the lines of a panel that something was logged for."""
        return [name for name in self._lines if _matches(name, panel)]

    def _draw_lines(self, ax: Axes, names: Sequence[str]) -> None:
        words = {name: in_words(name.removeprefix(WHOLE)) for name in names}
        for name, look in line_styles(names).items():
            steps, values = self._lines[name]
            draw_line(axes_or_new(ax), steps, values, label=words[name], **look)
        ax.set_xlabel("training step")
        whole_ticks(ax.xaxis)
        if all(is_share(name.removeprefix(WHOLE)) for name in names):
            percent_ticks(ax.yaxis)
        if len(names) > 1:
            legend(ax)
        else:
            ax.set_title(words[names[0]], loc="left")

    def _show(self, figure: Figure) -> None:
        """Show the figure as an image, in the place where the one before it is."""
        image = io.BytesIO()
        arrange(figure, DPI)
        figure.savefig(image, format="png", dpi=DPI)
        shown = {"image/png": image.getvalue(), "text/plain": repr(figure)}
        if self._handle is None:
            self._handle = self._display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)


def _matches(name: str, panel: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in panel)


def _display() -> Any:
    try:
        from IPython.display import display
    except ImportError:
        raise MissingPackageError(
            "live figures are for notebooks, and IPython is not installed: pip install ipython, or let a training "
            "write for TensorBoard"
        ) from None
    return display
