"""Table rows: the state of a layer or of the whole network after an update, and what the update did."""

from typing import Any

import numpy as np

from topolearn.diagnostics import active_neuron_rate
from topolearn.evolution import EVENTS, LayerUpdate, TopologyUpdate
from topolearn.graph import BipartiteGraph, LayeredNetwork

Row = dict[str, Any]


def layer_row(graph: BipartiteGraph, events: LayerUpdate | None, theta: float, itop: float) -> Row:
    """Return the row of a layer after an update, or at the start, when ``events`` is None."""
    return {
        "n_in": graph.n_in,
        "n_out": graph.n_out,
        "n_links": graph.n_links,
        "density": graph.density,
        **(dict.fromkeys(EVENTS, 0) if events is None else events.counts()),
        "overlap": None if events is None else events.overlap,
        "elm": int(events is not None and events.overlap >= theta),
        "itop": itop,
        "active_inputs": int((graph.fan_out > 0).sum()),
        "active_outputs": int((graph.fan_in > 0).sum()),
        **_degree_summary("fan_in", graph.fan_in),
        **_degree_summary("fan_out", graph.fan_out),
    }


def network_row(network: LayeredNetwork, update: TopologyUpdate | None) -> Row:
    """Return the row of the network after an update, or at the start; its overlap is the mean over the layers."""
    return {
        "n_links": network.n_links,
        "density": network.density,
        "active_neurons": active_neuron_rate(network),
        "active_neurons_authors": active_neuron_rate(network, "authors"),
        "overlap": float(np.mean(list(update.overlap.values()))) if update else None,
    }


def _degree_summary(name: str, degrees: np.ndarray) -> dict[str, float]:
    return {
        f"{name}_min": int(degrees.min()),
        f"{name}_mean": float(degrees.mean()),
        f"{name}_max": int(degrees.max()),
        f"{name}_std": float(degrees.std()),
    }
