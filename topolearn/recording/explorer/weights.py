"""The weights of the links of a run at its end, where its last checkpoint has them."""

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
from topolearn.sparse.topology import sparse_layers

if TYPE_CHECKING:
    from torch import nn

Integers = NDArray[np.int64]


class KeepsModel(RunLike, Protocol):
    """A run that may have kept its model."""

    def load_model(self, which: str = "best") -> nn.Module:
        """Return the trained model."""


@dataclass(frozen=True)
class LastModel:
    """What is known of the model at the end of a run.

    Attributes
    ----------
    network : LayeredNetwork or None
        How its layers meet.
    weights : dict of str to (cells, weights)
        Of the layers whose links are known.
    notes : sequence of str
        Why there are no weights, in sentences.
    """

    network: LayeredNetwork | None = None
    weights: dict[str, tuple[Integers, NDArray[np.float32]]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def weights_of(self, layer: str, lives: Lives, last: int) -> NDArray[np.float32] | None:
        """Return the weight of each life, NaN for those that ended before the last state; None where none is known.

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
        result[lives.died > last] = weights  # in the order of cells, as these are
        return result


def last_model(run: KeepsModel, links: Mapping[str, Integers]) -> LastModel:
    """Return what the last checkpoint of a run says of some layers, with the reason where it says nothing.

    Parameters
    ----------
    run : Run
    links : Mapping of str to array
        Sorted cells of the links of each layer after the last update; weights of others would be those of other links.
    """
    if run.task is None:
        return LastModel(notes=["Weights are in the checkpoints of the loop, which are its own."])
    try:
        model = run.load_model("last")
    except TopolearnError as error:  # links can be looked at without weights; the page says why it has none
        return LastModel(notes=[f"There are no weights: {error}."])
    layers = sparse_layers(model)
    if not layers.keys() >= links.keys():
        return LastModel(notes=["There are no weights: the checkpoint is of other layers."])
    weights = {
        name: (layers[name].cells().numpy(), layers[name].link_values().float().numpy())
        for name in links
        if np.array_equal(layers[name].cells().numpy(), links[name])
    }
    others = ", ".join(name for name in links if name not in weights)
    notes = [f"There are no weights of {others}: the last checkpoint is of before the last update."] if others else []
    if weights:
        notes.append("Weights are those at the end.")
    return LastModel(topology_of(model), weights, notes)
