"""Loggers: destinations for metrics and pictures in addition to the run directory."""

import importlib.util
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from topolearn.errors import InvalidTypeError, MissingPackageError
from topolearn.graph import LayeredNetwork

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch.utils.tensorboard import SummaryWriter

MOST_LAYERS = 8  # whose pictures are shown


@runtime_checkable
class PictureLogger(Protocol):
    """A logger that receives metrics and pictures.

    Examples
    --------
    >>> class Printer:
    ...     def log_metrics(self, metrics, step):
    ...         print(step, metrics)
    ...     def log_figure(self, name, figure, step):
    ...         figure.savefig(f"{name}-{step}.png")
    >>> isinstance(Printer(), PictureLogger)
    True
    """

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Log numbers by name: ``loss``, ``hidden1/closure``, ``(network)/hub_share``, ..."""

    def log_figure(self, name: str, figure: "Figure", step: int) -> None:
        """Log a picture: ``hidden1/adjacency``, ..."""


@runtime_checkable
class NetworkLogger(Protocol):
    """A logger that draws its own pictures: it receives graphs instead of figures.

    Examples
    --------
    >>> class Counter:
    ...     def log_metrics(self, metrics, step): ...
    ...     def log_network(self, network, step):
    ...         print(step, network.n_links)
    ...     def finish(self): ...
    >>> isinstance(Counter(), NetworkLogger)
    True
    """

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Log numbers by name, like any logger."""

    def log_network(self, network: LayeredNetwork, step: int) -> None:
        """Receive the graphs of all layers, at the start and after each update."""

    def finish(self) -> None:
        """Recording has ended: show everything that has not been shown yet."""


Logger = PictureLogger | NetworkLogger


class TensorBoardLogger:
    """Writes metrics and pictures for TensorBoard.

    Parameters
    ----------
    path : path
        Directory of the event files.

    Raises
    ------
    MissingPackageError
        When TensorBoard is not installed.
    """

    def __init__(self, path: str | Path) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise MissingPackageError("TensorBoard is not installed: pip install tensorboard, or leave it out")
        self.path = Path(path)

    @cached_property
    def _writer(self) -> "SummaryWriter":
        """The writer, created when it is first needed, because it creates the directory."""
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.path))

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Write numbers, each as a scalar."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def log_figure(self, name: str, figure: "Figure", step: int) -> None:
        """Write a picture."""
        self._writer.add_figure(name, figure, step, close=False)
        self._writer.flush()


def check_loggers(loggers: Sequence[object]) -> list[Logger]:
    """Return loggers as a list, or raise for an object that lacks the methods of a logger."""
    for logger in loggers:
        if not isinstance(logger, Logger) or isinstance(logger, type):
            raise InvalidTypeError(
                f"{logger!r} is not a logger: it needs log_metrics(metrics, step), and either "
                "log_figure(name, figure, step) or both log_network(network, step) and finish()"
            )
    return [logger for logger in loggers if isinstance(logger, Logger)]


def log_numbers(loggers: Sequence[Logger], values: Mapping[str, Any], step: int) -> None:
    """Send numbers to the loggers, omitting None."""
    numbers = {name: float(value) for name, value in values.items() if value is not None}
    for logger in loggers if numbers else ():
        logger.log_metrics(numbers, step)


def show_network(loggers: Sequence[Logger], network: LayeredNetwork, step: int) -> None:
    """Send the graphs of all layers to the loggers that accept them."""
    for logger in loggers:
        if isinstance(logger, NetworkLogger):
            logger.log_network(network, step)


def finish(loggers: Sequence[Logger]) -> None:
    """Notify the loggers that draw their own pictures that recording has ended."""
    for logger in loggers:
        if isinstance(logger, NetworkLogger):
            logger.finish()


def log_pictures(loggers: Sequence[Logger], network: LayeredNetwork, step: int) -> None:
    """Send adjacency and degree pictures of the layers, at most the first eight, to the loggers that take pictures."""
    others = [logger for logger in loggers if not isinstance(logger, NetworkLogger)]
    if not others:
        return
    from matplotlib.figure import Figure

    from topolearn import plotting

    for name in list(network)[:MOST_LAYERS]:
        for what, draw in (("adjacency", plotting.adjacency), ("degrees", plotting.degree_distribution)):
            figure = Figure(layout="constrained")
            draw(network[name], figure.subplots())
            for logger in others:
                logger.log_figure(f"{name}/{what}", figure, step)
