"""What a report reads of a run, and reads once."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from topolearn.diagnostics import LayerEvents
from topolearn.graph import BipartiteGraph
from topolearn.plotting.run_data import HistoryLike, RunLike


class ReportedRun(RunLike, Protocol):
    """A run with what the report says beside the pictures."""

    @property
    def path(self) -> Path:
        """Directory of the run."""

    @property
    def config(self) -> Any:
        """Every setting of the run."""

    @property
    def title(self) -> str:
        """Its method, in words."""

    @property
    def theta(self) -> float | None:
        """Overlap from which on a layer is in a local minimum."""

    @property
    def schedulers(self) -> Mapping[str, Mapping[str, Any]]:
        """What made its topology evolve."""

    @property
    def outputs(self) -> Mapping[str, tuple[int, int]]:
        """Outputs and inputs of the layers that are the outputs of its model."""

    @property
    def inits(self) -> Mapping[str, str]:
        """How its sparse layers got their first weights."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """Its results."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Versions and machine."""


class Snapshot:
    """A run read once: every picture asks for its tables and graphs, which are files."""

    def __init__(self, run: ReportedRun) -> None:
        self.path, self.name, self.config, self.task = run.path, run.name, run.config, run.task
        self.title, self.theta, self.schedulers = run.title, run.theta, run.schedulers
        self.summary, self.environment, self.outputs = run.summary, run.environment, run.outputs
        self.inits = run.inits
        self.metrics, self.not_finite = run.metrics, run.not_finite
        self.layers, self.network, self.measures = run.layers, run.network, run.measures
        self.history = HistorySnapshot(run.history)


class HistorySnapshot:
    """The topology over time, read once."""

    def __init__(self, history: HistoryLike) -> None:
        self.layers, self.graph_steps, self.updates = history.layers, history.graph_steps, history.updates
        self.at = functools.cache(history.at)
        self._history = history

    @property
    def initial(self) -> Mapping[str, BipartiteGraph]:
        """The graphs before training."""
        return self._history.initial

    def replay(self) -> Iterator[tuple[int, Mapping[str, BipartiteGraph]]]:
        """Yield the kept graphs, in one pass."""
        return self._history.replay()

    def __iter__(self) -> Iterator[Mapping[str, LayerEvents]]:
        """Yield each update."""
        return iter(self._history)
