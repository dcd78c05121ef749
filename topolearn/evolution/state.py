"""The part of a scheduler's state that its layers hold: links, their ages and, with dense storage, values."""

from collections.abc import Mapping
from typing import Any

from topolearn.evolution.exploration import Exploration
from topolearn.sparse import SparseLinear, StoredLinear


def state_of_layers(layers: Mapping[str, SparseLinear], exploration: Mapping[str, Exploration]) -> dict[str, Any]:
    """Return shapes, links and ages of the layers and, where all cells are remembered, values and trained cells."""
    state: dict[str, Any] = {
        "shapes": {name: layer.shape for name, layer in layers.items()},
        "links": {name: layer.cells().cpu() for name, layer in layers.items()},
    }
    explored = {name: each.state_dict() for name, each in exploration.items()}
    for key in ("born", "explored"):
        state[key] = {name: each[key] for name, each in explored.items()}
    for name, layer in layers.items():
        if isinstance(layer, StoredLinear):
            state.setdefault("stored", {})[name] = layer.latest_values().cpu()
            if layer.trained is not None:
                state.setdefault("trained", {})[name] = layer.trained.flatten().nonzero().squeeze(1).cpu()
    return state
