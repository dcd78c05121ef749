"""What plots need from a run, and the checks of it."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd

from topolearn.checks import listed
from topolearn.diagnostics import TopologyHistory
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.task_registry import Task

COUNTERS = ("index", "epoch", "step", "n_steps")


class HistoryLike(TopologyHistory, Protocol):
    """The topology of every layer at each update."""

    @property
    def layers(self) -> list[str]:
        """Names of the sparse layers; empty for a dense network."""

    @property
    def graph_steps(self) -> list[int]:
        """Step 0 and the other steps whose graphs were kept; empty if none were."""

    @property
    def updates(self) -> pd.DataFrame:
        """A table with a row for each update and layer."""

    def replay(self) -> Iterator[tuple[int, Mapping[str, BipartiteGraph]]]:
        """Yield each of `graph_steps` and its graphs, in one pass."""

    def at(self, step: int) -> Mapping[str, BipartiteGraph]:
        """Return the graph of every layer at `step`."""


class RunLike(Protocol):
    """The attributes of a training run that plots use."""

    @property
    def name(self) -> str:
        """Name of the run."""

    @property
    def task(self) -> Task | None:
        """The task that was trained; None for a custom loop."""

    @property
    def metrics(self) -> pd.DataFrame:
        """A table with a row for each log."""

    @property
    def not_finite(self) -> Mapping[str, Sequence[int]]:
        """The steps at which a metric was logged as NaN or infinite, by its column."""

    @property
    def layers(self) -> pd.DataFrame:
        """A table with a row for each update and layer."""

    @property
    def network(self) -> pd.DataFrame:
        """A table with a row for each update."""

    @property
    def measures(self) -> pd.DataFrame:
        """A table with a row for each measurement and layer."""

    @property
    def history(self) -> HistoryLike:
        """The topology over time."""

    @property
    def theta(self) -> float | None:
        """Overlap at or above which a layer is in a local minimum."""


R = TypeVar("R", bound=RunLike)


def runs_of(runs: R | Iterable[R]) -> list[R]:
    """Return one or several runs as a list.

    Raises
    ------
    InvalidTypeError
        When one of them is not a run.
    """
    several = list(runs) if isinstance(runs, Iterable) and not isinstance(runs, str | bytes) else [runs]
    for run in several:
        check_run(run)
    return several


def check_run(run: RunLike) -> None:
    """Raise an error if a value is not a run, but for example its path.

    Raises
    ------
    InvalidTypeError
    """
    if not hasattr(run, "task"):
        path = repr(str(run)) if isinstance(run, str | os.PathLike) else "path"
        raise InvalidTypeError(f"{run!r} is not a run: pass tl.Run({path})")


def layer_names(run: RunLike) -> list[str]:
    """Return the sparse layers of a run in the order of the model; raise an error if it has none."""
    check_run(run)
    names = run.history.layers
    if not names:
        raise InvalidValueError(
            f"run {run.name!r} has no sparse layers, so it has no topology to draw; for dense runs use plotting.score, "
            "loss and metrics"
        )
    return names


def known_layer(run: RunLike, layer: str) -> str:
    """Return `layer` if the run has it."""
    names = layer_names(run)
    if layer not in names:
        raise InvalidValueError(f"run {run.name!r} has no layer {layer!r}; its layers: {', '.join(names)}")
    return layer


def known_layers(run: RunLike, layers: str | Iterable[str] | None) -> list[str]:
    """Return layers that the run has, by default all; a string is one name."""
    names = layer_names(run) if layers is None else [known_layer(run, name) for name in listed(layers)]
    if not names:
        raise InvalidValueError(f"layers={layers!r} is empty: name at least one of {', '.join(layer_names(run))}")
    return names


def known_column(table: pd.DataFrame, column: str, what: str) -> str:
    """Return `column` if it is a numeric column of `table`."""
    known = [str(name) for name in table.select_dtypes("number").columns if name not in COUNTERS]
    if column not in known:
        raise InvalidValueError(f"{what} has no column {column!r} to draw; known columns: {', '.join(known)}")
    return column


def clock_of(run: RunLike) -> str:
    """Return the column that counts the progress of a run: that of its task, or the step."""
    return run.task.clock if run.task is not None and run.task.clock in run.metrics else "step"


def logged(run: RunLike) -> pd.DataFrame:
    """Return the metrics of a run; raise an error if it has none yet."""
    check_run(run)
    if run.metrics.empty:
        raise InvalidValueError(f"run {run.name!r} {nothing_yet(run)}, so there is nothing to draw; continue it")
    return run.metrics


def nothing_yet(run: RunLike) -> str:
    """Return what a run without metrics lacks."""
    return "has logged nothing" if run.task is None else f"has no finished {run.task.clock}"


def updates(run: RunLike) -> pd.DataFrame:
    """Return the updates of a run; raise an error if its topology never changed."""
    layer_names(run)
    table = run.history.updates
    if table.empty:
        raise InvalidValueError(
            f"run {run.name!r} has no topology updates: its method is static, or it has not reached the first update"
        )
    return table


def first_and_last(run: RunLike, layer: str) -> tuple[BipartiteGraph, BipartiteGraph]:
    """Return the graphs of a layer at the start and at the last recorded step."""
    known_layer(run, layer)
    steps = kept_steps(run)
    return run.history.at(steps[0])[layer], run.history.at(steps[-1])[layer]


def evenly(steps: Sequence[int], most: int) -> set[int]:
    """Return the steps, or an even selection of at most `most` of them that includes the first and the last."""
    return {steps[i] for i in np.linspace(0, len(steps) - 1, most).round().astype(int)}


def kept_steps(run: RunLike) -> list[int]:
    """Return the steps whose graphs were kept; raise an error if there are none."""
    layer_names(run)
    if not run.history.graph_steps:
        raise InvalidValueError(
            f"run {run.name!r} kept no graph of its topology, so there is nothing to draw: train with history='full' "
            "or 'snapshots'"
        )
    return run.history.graph_steps
