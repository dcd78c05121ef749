"""The result of a topology update: the links that each layer lost and gained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from topolearn.graph import edges_of, overlap
from topolearn.showing import shown_by

if TYPE_CHECKING:
    import pandas as pd

EVENTS = ("decayed", "removed", "percolated", "regrown")


@dataclass(frozen=True)
class LayerUpdate:
    """The link events of one layer in one update.

    A link can be both removed and regrown.

    Attributes
    ----------
    shape : (int, int)
        Numbers of output and input neurons of the layer.
    cells : Mapping of str to array of int64, shape (k,)
        For each of `EVENTS`, its links as sorted flat positions in the adjacency, ``output * n_in + input``. For a
        layer on an accelerator, reading them waits for the device.
    known_overlap : float, optional
        The overlap, if it is known without waiting for the cells.

    Examples
    --------
    >>> none = np.empty(0, np.int64)
    >>> events = {"decayed": none, "removed": np.array([1, 3]), "percolated": none, "regrown": np.array([0, 3])}
    >>> update = LayerUpdate((2, 2), events)
    >>> update.removed.tolist(), update.overlap
    ([[1, 0], [1, 1]], 0.5)
    """

    shape: tuple[int, int]
    cells: Mapping[str, np.ndarray]
    known_overlap: float | None = field(default=None, repr=False, compare=False)

    @property
    def decayed(self) -> np.ndarray:
        """Links pruned because the density fell: rows (input, output), sorted, shape (k, 2)."""
        return self._edges("decayed")

    @property
    def removed(self) -> np.ndarray:
        """Links removed by their score: rows (input, output), sorted, shape (k, 2)."""
        return self._edges("removed")

    @property
    def percolated(self) -> np.ndarray:
        """Links that led to or from an inactive neuron: rows (input, output), sorted, shape (k, 2)."""
        return self._edges("percolated")

    @property
    def regrown(self) -> np.ndarray:
        """Links that grew: rows (input, output), sorted, shape (k, 2)."""
        return self._edges("regrown")

    @property
    def lost(self) -> np.ndarray:
        """Cells of all decayed, removed or percolated links, sorted."""
        return np.sort(np.concatenate([self.cells[event] for event in EVENTS if event != "regrown"]))

    @cached_property
    def overlap(self) -> float:
        """Share of the regrown links that were removed or percolated in the same update; 0 if none regrew."""
        if self.known_overlap is not None:
            return self.known_overlap
        return overlap(np.concatenate((self.cells["removed"], self.cells["percolated"])), self.cells["regrown"])

    def counts(self) -> dict[str, int]:
        """Return the number of links of each event."""
        return {event: len(self.cells[event]) for event in EVENTS}

    def _edges(self, event: str) -> np.ndarray:
        return edges_of(self.cells[event], self.shape[1])


@dataclass(frozen=True)
class TopologyUpdate(Mapping[str, LayerUpdate]):
    """One topology update of a model; ``update[layer]`` returns the link events of a layer.

    Attributes
    ----------
    step : int
        Number of optimizer steps taken before the update.
    index : int
        Number of the update, starting at 1.
    layers : Mapping of str to LayerUpdate
    theta : float
        Overlap at or above which a layer is in an epitopological local minimum.
    """

    step: int
    index: int
    layers: Mapping[str, LayerUpdate]
    theta: float = 0.9

    @property
    def overlap(self) -> dict[str, float]:
        """The overlap of removed and regrown links, for each layer."""
        return {name: layer.overlap for name, layer in self.layers.items()}

    @property
    def elm(self) -> dict[str, bool]:
        """Whether each layer is in an epitopological local minimum: its overlap is at least theta (definition 1)."""
        return {name: value >= self.theta for name, value in self.overlap.items()}

    def to_frame(self) -> pd.DataFrame:
        """Return a row per layer: the number of links of each event, the overlap, and whether it is in an ELM."""
        import pandas as pd

        rows = [
            {"index": self.index, "step": self.step, "layer": name}
            | layer.counts()
            | {"overlap": layer.overlap, "elm": layer.overlap >= self.theta}
            for name, layer in self.layers.items()
        ]
        return pd.DataFrame(rows)

    def __getitem__(self, layer: str) -> LayerUpdate:
        return self.layers[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    _repr_html_ = shown_by("topolearn.plotting.cards:update_card")

    def __repr__(self) -> str:
        counts = {event: sum(len(layer.cells[event]) for layer in self.layers.values()) for event in EVENTS}
        done = ", ".join(f"{n} {event}" for event, n in counts.items() if n)
        return f"TopologyUpdate({self.index} at step {self.step}: {done or 'nothing changed'})"
