"""`explore_run`: the layers of a run throughout training, as an interactive page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from topolearn.checks import listed
from topolearn.errors import InvalidValueError, UnknownNameError
from topolearn.graph import BipartiteGraph, LayeredNetwork
from topolearn.plotting.explorer import (
    Explorer,
    Lives,
    Scene,
    SceneLayer,
    check_size,
    has_room,
    lives_through,
    most_frames,
    populations_of,
)
from topolearn.plotting.run_data import HistoryLike, evenly, kept_steps
from topolearn.recording.explorer.weights import KeepsModel, last_model
from topolearn.recording.history import SNAPSHOTS
from topolearn.registry import suggest

FEWER = "choose fewer layers, such as run.explore(layers=[{!r}]), or topolearn report RUN --interactive --layers NAME"
NONE_FITS = "every layer has more, so draw one in blocks with plotting.adjacency_change(run, {!r})"


class ExploredHistory(HistoryLike, Protocol):
    """The topology at each update or snapshot."""

    @property
    def kept(self) -> str:
        """How much is kept: "full", "snapshots" or "summary"."""


class ExploredRun(KeepsModel, Protocol):
    """A run with its topology, and possibly its model."""

    @property
    def history(self) -> ExploredHistory:
        """The topology over time."""

    def topology_at(self, step: int | None = None) -> LayeredNetwork:
        """The topology after a step, with its neuron groups."""


def explore_run(run: ExploredRun, *, layers: str | Sequence[str] | None = None) -> Explorer:
    """Return the explorer page of a run: its layers at each update, or at evenly chosen updates.

    Parameters
    ----------
    run : Run
        A run whose history keeps links ("full" or "snapshots").
    layers : str or sequence of str, optional
        Names of the layers to show; all by default.

    Raises
    ------
    InvalidValueError
        When the run has no sparse layer, kept no links, or has more links than can be drawn.
    UnknownNameError
        When the run has no layer of a given name.

    Examples
    --------
    >>> [layer.name for layer in explore_run(run, layers=["hidden1"]).scene.layers]
    ['hidden1']
    """
    history, steps = run.history, kept_steps(run)
    start = next(iter(history.replay()))[1]
    graphs = {name: start[name] for name in _known(layers, start)}
    n_links = sum(graph.n_links for graph in graphs.values())
    n_neurons = sum(sum(graph.shape) for graph in graphs.values())
    cure = _cure(graphs)
    check_size(n_links, n_neurons, len(graphs), cure)
    shown = sorted(evenly(range(len(steps)), min(len(steps), most_frames(n_links))))
    states = ({name: now[name] for name in graphs} for _, now in history.replay())
    lives = lives_through(states, shown)
    check_size(max(_count(lives, state) for state in shown), n_neurons, len(graphs), cure)
    model = last_model(run, {name: each.at(shown[-1]) for name, each in lives.items()})
    populations, ends = populations_of(model.network or run.topology_at(steps[0]), graphs)
    unit = "snapshots" if history.kept == SNAPSHOTS else "updates"
    choice = (
        [f"The slider shows {len(shown)} of {len(steps)} states, evenly spaced."] if len(shown) < len(steps) else []
    )
    return Explorer(
        Scene(
            title=run.name,
            summary=f"{_named(list(graphs))}: {n_links:,} links at the start, {len(steps) - 1:,} {unit}",
            populations=populations,
            layers=[
                SceneLayer(name, *ends[name], lives[name], model.weights_of(name, lives[name], shown[-1]))
                for name in graphs
            ],
            steps=steps,
            shown=shown,
            unit=unit,
            notes=[*choice, *model.notes],
        )
    )


def _cure(graphs: Mapping[str, BipartiteGraph]) -> str:
    """Return what to do when there are too many links: explore the smallest layer, if that can be drawn."""
    name = min(graphs, key=lambda name: graphs[name].n_links)
    return (FEWER if has_room(graphs[name].n_links) else NONE_FITS).format(name)


def _known(layers: str | Sequence[str] | None, graphs: Mapping[str, BipartiteGraph]) -> list[str]:
    """Return the requested layer names in the order of the model, or raise for an unknown one."""
    names = list(graphs)
    layers = names if layers is None else listed(layers)
    if not layers:
        raise InvalidValueError(f"layers=[] leaves nothing to show: name at least one of {', '.join(names)}")
    for name in layers:
        if name not in graphs:
            raise UnknownNameError(f"there is no sparse layer {name!r}: {suggest(name, names)}")
    return [name for name in names if name in layers]


def _count(lives: Mapping[str, Lives], state: int) -> int:
    return sum(each.at(state).size for each in lives.values())


def _named(names: Sequence[str]) -> str:
    """Return the names of the layers, or their number if there are more than four.

    Examples
    --------
    >>> _named(["fc1", "fc2"]), _named(["a", "b", "c", "d", "e"])
    ('fc1, fc2', '5 layers')
    """
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} layers"
