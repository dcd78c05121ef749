"""The data of a run that a report uses, read once."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from topolearn.diagnostics import LayerEvents
from topolearn.graph import BipartiteGraph, LayeredNetwork
from topolearn.plotting.run_data import HistoryLike, RunLike


class ReportedRun(RunLike, Protocol):
    """A run with the data for a report's text, in addition to that for its pictures."""

    @property
    def path(self) -> Path:
        """Directory of the run."""

    @property
    def config(self) -> Any:
        """The configuration of the run."""

    @property
    def title(self) -> str:
        """The name of its method."""

    @property
    def schedulers(self) -> Mapping[str, Mapping[str, Any]]:
        """The settings of its topology schedulers."""

    @property
    def outputs(self) -> Mapping[str, tuple[int, int]]:
        """Numbers of outputs and inputs of its model's output layers."""

    @property
    def inits(self) -> Mapping[str, str]:
        """How the weights of its sparse layers were initialized."""

    def topology_at(self, step: int | None = None) -> LayeredNetwork:
        """Its topology after a step, with its neuron groups."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """Its results."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Versions and device."""


class Snapshot:
    """A run whose tables and graphs are read from its files only once, although every picture needs them."""

    def __init__(self, run: ReportedRun) -> None:
        self.path, self.name, self.config, self.task = run.path, run.name, run.config, run.task
        self.title, self.theta, self.schedulers = run.title, run.theta, run.schedulers
        self.summary, self.environment, self.outputs = run.summary, run.environment, run.outputs
        self.inits, self.topology_at = run.inits, run.topology_at
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
