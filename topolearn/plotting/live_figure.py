"""Live figures in notebooks: metrics as they are logged, and links as they come and go."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

from matplotlib.figure import Figure

from topolearn.errors import InvalidTypeError, MissingPackageError, UnknownNameError
from topolearn.plotting.adjacency import adjacency
from topolearn.plotting.curves import in_words, is_share
from topolearn.plotting.degrees import degree_distribution
from topolearn.plotting.drawing.fitting import png
from topolearn.plotting.drawing.style import (
    axes_or_new,
    draw_line,
    legend,
    line_styles,
    percent_ticks,
    style,
    whole_ticks,
)
from topolearn.registry import suggest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from topolearn.graph import LayeredNetwork

WHOLE = "(network)/"  # prefix of metrics of all layers together
PANELS = (("*loss",), ("*accuracy", "*bleu"), (f"{WHOLE}density", f"{WHOLE}active_neurons", f"{WHOLE}overlap"))
WIDTH, HEIGHT, DPI = 3.6, 3.0, 80  # size of a panel in inches, and pixels per inch
FIRST = "(first)"  # the first layer, whatever its name
SHARE = 0.1  # maximum share of the time spent drawing


def live(
    recorder: RecorderLike | None = None,
    *,
    panels: Sequence[Sequence[str]] = PANELS,
    layer: str | None = None,
) -> LiveFigure:
    """Return a logger that plots logged metrics in a notebook cell and updates the plot during training.

    In a custom loop, ``tl.plotting.live(recorder)`` follows the recording; otherwise pass
    ``loggers=[tl.plotting.live()]`` to `topolearn.train`, or to any other training function that takes loggers. It
    redraws after an update or a log, but spends at most a tenth of the time drawing.

    Parameters
    ----------
    recorder : Recorder, optional
        A recorder to follow from now on. The first layer is then drawn if `layer` is not given.
    panels : sequence of sequences of str
        For each panel, the names of its lines: names of logged metrics, or, with the prefix ``"(network)/"``, of
        properties of the topology: ``n_links``, ``density``, ``active_neurons``, ``overlap``. ``*`` matches anything.
        Panels without logged metrics are left out.
    layer : str, optional
        A layer whose adjacency and degrees are also drawn after each update.

    Returns
    -------
    LiveFigure

    Raises
    ------
    MissingPackageError
        When IPython is not installed.
    InvalidTypeError
        When a panel is a single string instead of a sequence, or `recorder` is not a recorder.

    Examples
    --------
    >>> logger = live(panels=[("train_loss", "val_loss")], layer="hidden1")
    """
    figure = LiveFigure(panels, FIRST if recorder is not None and layer is None else layer)
    if recorder is not None:
        if not hasattr(recorder, "add_logger"):
            raise InvalidTypeError(
                f"recorder={recorder!r} is not a recorder: pass the result of tl.record, and panels with panels=..."
            )
        recorder.add_logger(figure)
    return figure


class RecorderLike(Protocol):
    """A recorder that accepts loggers while it records."""

    def add_logger(self, logger: LiveFigure, /) -> None:
        """Add a logger, which receives everything recorded from now on."""


class LiveFigure:
    """The logger that `live` returns; its `figure` is the latest one."""

    def __init__(self, panels: Sequence[Sequence[str]] = PANELS, layer: str | None = None) -> None:
        if isinstance(panels, str) or any(isinstance(panel, str) for panel in panels):
            raise InvalidTypeError(f"panels={panels!r}: pass a sequence of names for each panel, such as [('loss',)]")
        self._panels, self._layer = [tuple(panel) for panel in panels], layer
        self._lines: dict[str, tuple[list[int], list[float]]] = {}
        self._network: LayeredNetwork | None = None
        self._handle: Any = None
        self._display = _display()
        self._next = float("-inf")  # the earliest time for the next drawing
        self.figure: Figure | None = None

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Add metrics to the plot."""
        wanted = {name: value for name, value in metrics.items() if any(_matches(name, each) for each in self._panels)}
        for name, value in wanted.items():
            steps, values = self._lines.setdefault(name, ([], []))
            steps.append(step)
            values.append(value)
        if wanted:
            self._draw_in_time()

    def log_network(self, network: LayeredNetwork, step: int) -> None:
        """Receive the graphs of all layers after an update.

        Raises
        ------
        UnknownNameError
            When the layer to draw is not among them.
        """
        if self._layer == FIRST:
            self._layer = next(iter(network), None)
        if self._layer is not None and self._layer not in network.graphs:
            raise UnknownNameError(f"layer={self._layer!r}: {suggest(self._layer, list(network))}")
        self._network = network
        self._draw_in_time()

    def finish(self) -> None:
        """Draw the figure a last time."""
        self.draw()

    def _draw_in_time(self) -> None:
        """Draw, unless the last drawing was too recent."""
        if time.perf_counter() >= self._next:
            self.draw()

    def draw(self) -> None:
        """Draw everything logged so far, in place of the previous figure."""
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
        """Return the names of the logged metrics that belong to a panel."""
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
        """Show the figure as an image, in place of the previous one."""
        shown = {"image/png": png(figure, DPI), "text/plain": repr(figure)}
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
            "live figures require IPython, which is not installed: pip install ipython, or log to TensorBoard instead"
        ) from None
    return display
