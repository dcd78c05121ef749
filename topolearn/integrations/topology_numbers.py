"""The numbers that trainers of other libraries log about the topology of the whole network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from topolearn.evolution import TopologyScheduler
from topolearn.recording import Recorder
from topolearn.recording.tables.rows import network_row
from topolearn.recording.writing.measuring import NETWORK

PREFIX = "topology/"


def numbers_of(topology: TopologyScheduler, recorder: Recorder | None) -> dict[str, float]:
    """Return numbers to log: of the whole network, and if there is a recorder, its measures, as means over layers.

    ``overlap`` is the mean over layers, and ``removed`` the total number of links removed by their score; neither
    exists at the start.
    """
    update = topology.last_update
    row = network_row(topology.network(), update) if recorder is None else recorder.topology.state
    numbers: dict[str, float] = {name: row[name] for name in ("density", "active_neurons")}
    if update is not None:
        n_removed = sum(len(layer.cells["removed"]) for layer in update.values())
        numbers |= {"overlap": row["overlap"], "removed": n_removed}
    return numbers | ({} if recorder is None else _means(recorder.topology.measuring.latest))


def _means(measured: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the measures of the network, and the means over layers of all other measures."""
    layers = [row for name, row in measured.items() if name != NETWORK]
    names = dict.fromkeys(name for row in layers for name in row)
    means = {name: float(np.mean([row[name] for row in layers if name in row])) for name in names}
    return means | dict(measured.get(NETWORK, {}))
