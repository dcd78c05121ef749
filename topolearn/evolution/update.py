"""What one topology update did: the links that each layer lost and gained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from topolearn.diagnostics import overlap

EVENTS = ("decayed", "removed", "percolated", "regrown")


@dataclass(frozen=True)
class LayerUpdate:
    """The link events of one layer in one update.

    Attributes
    ----------
    decayed, removed, percolated, regrown : numpy.ndarray of int64, shape (k, 2)
        Links as rows (input, output), sorted: pruned because the density fell, removed by their score, removed
        because they led to or from an inactive neuron, and regrown. A link may be both removed and regrown.
    """

    decayed: np.ndarray
    removed: np.ndarray
    percolated: np.ndarray
    regrown: np.ndarray

    @property
    def overlap(self) -> float:
        """Share of the regrown links that had just been removed or percolated; 0 when none regrew."""
        return overlap(np.concatenate((self.removed, self.percolated)), self.regrown)


@dataclass(frozen=True)
class TopologyUpdate(Mapping[str, LayerUpdate]):
    """One topology update of a model: ``update[layer]`` are the link events of a layer.

    Attributes
    ----------
    step : int
        Number of optimizer steps taken when it happened.
    index : int
        Its number, from 1.
    layers : Mapping of str to LayerUpdate
    """

    step: int
    index: int
    layers: Mapping[str, LayerUpdate]

    @property
    def overlap(self) -> dict[str, float]:
        """The overlap of removed and regrown links, for each layer."""
        return {name: layer.overlap for name, layer in self.layers.items()}

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each layer, with the number of links of each event and the overlap."""
        rows = [
            {"index": self.index, "step": self.step, "layer": name}
            | {event: len(getattr(layer, event)) for event in EVENTS}
            | {"overlap": layer.overlap}
            for name, layer in self.layers.items()
        ]
        return pd.DataFrame(rows)

    def __getitem__(self, layer: str) -> LayerUpdate:
        return self.layers[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        counts = {event: sum(len(getattr(x, event)) for x in self.layers.values()) for event in EVENTS}
        done = ", ".join(f"{n} {event}" for event, n in counts.items() if n)
        return f"TopologyUpdate({self.index} at step {self.step}: {done or 'nothing changed'})"


def edges_of(cells: np.ndarray, n_in: int) -> np.ndarray:
    """Return flat positions in the adjacency as rows (input, output), sorted."""
    output, inputs = np.divmod(cells, n_in)
    order = np.lexsort((output, inputs))
    return np.stack((inputs[order], output[order]), axis=1).astype(np.int64)
