"""Neuron deaths: which neurons lost their last link during training, when, and who their neighbours were."""

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

    An output neuron without links receives nothing, and no neuron reads an input neuron without links. In a chain of
    layers, a hidden neuron is an output of one layer and an input of the next. Neurons without links at the start do
    not count as dead.

    Parameters
    ----------
    history : History, or any object with ``initial`` that yields updates
        Such as ``run.history``.

    Returns
    -------
    DataFrame
        In chronological order, with the columns ``layer``, ``side`` ("input" or "output"), ``neuron``, ``update`` (its
        number, from 1), ``step`` (if the history records it), ``n_links`` (the number of links that this update
        removed), ``neighbours`` (a tuple of the neurons at their other ends), and ``revived`` (the update that gave it
        a link again; missing if none did).

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
    """The inputs or the outputs of a layer during the updates: their degrees, and which of them are dead."""

    def __init__(self, layer: str, side: str, graph: BipartiteGraph) -> None:
        self.layer, self.side, self.n_in = layer, side, graph.n_in
        self.degrees = graph.fan_out if side == "input" else graph.fan_in
        self.dead: dict[int, dict[str, Any]] = {}  # the row of each dead neuron

    def follow(
        self, number: int, step: int | None, lost: NDArray[np.int64], grown: NDArray[np.int64]
    ) -> list[dict[str, Any]]:
        """Apply an update: return a row for each neuron that lost its last link, and mark the revived ones."""
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
        """Return the neurons at the ends of links: those on this side, and those on the other."""
        inputs, outputs = cells % self.n_in, cells // self.n_in
        return (inputs, outputs) if self.side == "input" else (outputs, inputs)
