"""The link weights at the end of a run, from its last checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from topolearn.errors import TopolearnError
from topolearn.graph import LayeredNetwork
from topolearn.plotting.explorer import Lives
from topolearn.plotting.run_data import RunLike
from topolearn.sparse import topology_of
from topolearn.sparse.conversion.topology import sparse_layers

if TYPE_CHECKING:
    from torch import nn

Integers = NDArray[np.int64]


class KeepsModel(RunLike, Protocol):
    """A run that may have a saved model."""

    def load_model(self, which: str = "best") -> nn.Module:
        """Return the trained model."""


@dataclass(frozen=True)
class LastModel:
    """What is known about the model at the end of a run.

    Attributes
    ----------
    network : LayeredNetwork or None
        How its layers are connected.
    weights : dict of str to (cells, weights)
        Weights of the layers whose links are known.
    notes : sequence of str
        Sentences that explain which weights are shown, or why there are none.
    """

    network: LayeredNetwork | None = None
    weights: dict[str, tuple[Integers, NDArray[np.float32]]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def weights_of(self, layer: str, lives: Lives, last: int) -> NDArray[np.float32] | None:
        """Return the weight of each life, NaN for those that ended before the last state; None if unknown.

        Examples
        --------
        >>> lives = Lives(np.array([1, 4]), np.array([0, 0]), np.array([1, 2]), 3)
        >>> LastModel(weights={"fc": (np.array([4]), np.array([0.5]))}).weights_of("fc", lives, 1)
        array([nan, 0.5], dtype=float32)
        """
        if layer not in self.weights:
            return None
        _, weights = self.weights[layer]
        result = np.full(lives.cells.size, np.nan, dtype=np.float32)
        result[lives.died > last] = weights  # both are in the order of cells
        return result


def last_model(run: KeepsModel, links: Mapping[str, Integers]) -> LastModel:
    """Return the weights of some layers from the last checkpoint of a run, or notes on why there are none.

    Parameters
    ----------
    run : Run
    links : Mapping of str to array
        Sorted cells of each layer's links after the last update; only layers with exactly these links get weights.
    """
    if run.task is None:
        return LastModel(notes=["No weights are shown: a custom loop keeps its own checkpoints."])
    try:
        model = run.load_model("last")
    except TopolearnError as error:  # the links can still be explored without weights
        return LastModel(notes=[f"No weights are shown: {error}."])
    layers = sparse_layers(model)
    if not layers.keys() >= links.keys():
        return LastModel(notes=["No weights are shown: the checkpoint has other layers."])
    weights = {
        name: (layers[name].cells().numpy(), layers[name].link_values().float().numpy())
        for name in links
        if np.array_equal(layers[name].cells().numpy(), links[name])
    }
    others = ", ".join(name for name in links if name not in weights)
    notes = [f"No weights are shown for {others}: the last checkpoint precedes the last update."] if others else []
    if weights:
        notes.append("The weights are those at the end of training.")
    return LastModel(topology_of(model), weights, notes)
