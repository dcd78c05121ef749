"""Which neurons a training left without links, when, and what they were linked with until then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.dynamics import TopologyHistory
from topolearn.diagnostics.link_ages import net_change
from topolearn.graph import BipartiteGraph

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("layer", "side", "neuron", "update", "step", "n_links", "neighbours", "revived")
SIDES = ("input", "output")


def neuron_deaths(history: TopologyHistory) -> pd.DataFrame:
    """Return a row for each time that a neuron of a layer lost its last link.

    An output neuron without links is fed by nobody, and an input neuron without links is read by nobody; in a chain of
    layers the same hidden neuron is an output of one layer and an input of the next. Neurons without links at the start
    never died.

    Parameters
    ----------
    history : History, or anything with ``initial`` that yields updates
        Such as ``run.history``.

    Returns
    -------
    DataFrame
        In order of time: ``layer``, ``side`` ("input" or "output"), ``neuron``, ``update`` (its number, from 1),
        ``step`` (where the history knows it), ``n_links`` that this update took from it, its ``neighbours`` at their
        other ends (a tuple), and the update at which it was ``revived`` (missing when it stayed dead).

    Examples
    --------
    >>> sorted(neuron_deaths(run.history)["side"].unique())
    ['input', 'output']
    """
    import pandas as pd

    steps = [*getattr(history, "steps", [])][1:]
    layers = {name: [_Side(name, side, graph) for side in SIDES] for name, graph in history.initial.items()}
    deaths: list[dict[str, Any]] = []
    for number, update in enumerate(history, start=1):
        step = steps[number - 1] if number <= len(steps) else None
        for layer, events in update.items():
            lost, grown = net_change(events)
            for side in layers[layer]:
                deaths += side.follow(number, step, lost, grown)
    return pd.DataFrame(deaths, columns=list(COLUMNS)).astype({"step": "Int64", "revived": "Int64"})


class _Side:
    """The inputs or the outputs of a layer, followed through the updates: their degrees, and which are dead now."""

    def __init__(self, layer: str, side: str, graph: BipartiteGraph) -> None:
        self.layer, self.side, self.n_in = layer, side, graph.n_in
        self.degrees = graph.fan_out if side == "input" else graph.fan_in
        self.dead: dict[int, dict[str, Any]] = {}  # by neuron, the row of its death

    def follow(
        self, number: int, step: int | None, lost: NDArray[np.int64], grown: NDArray[np.int64]
    ) -> list[dict[str, Any]]:
        """Take an update, and return a row for each neuron that it left without links; mark those that it revived."""
        (own, others), size = self._ends(lost), self.degrees.size
        after = self.degrees - np.bincount(own, minlength=size) + np.bincount(self._ends(grown)[0], minlength=size)
        for neuron in np.flatnonzero((self.degrees == 0) & (after > 0)).tolist():
            if neuron in self.dead:
                self.dead.pop(neuron)["revived"] = number
        rows = []
        for neuron in np.flatnonzero((self.degrees > 0) & (after == 0)).tolist():
            neighbours = tuple(np.sort(others[own == neuron]).tolist())
            values = (self.layer, self.side, neuron, number, step, len(neighbours), neighbours, None)
            self.dead[neuron] = dict(zip(COLUMNS, values, strict=True))
            rows.append(self.dead[neuron])
        self.degrees = after
        return rows

    def _ends(self, cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the neurons of this side, and of the other, that links join."""
        inputs, outputs = cells % self.n_in, cells // self.n_in
        return (inputs, outputs) if self.side == "input" else (outputs, inputs)
