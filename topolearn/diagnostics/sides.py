"""The links of a layer seen from one of its sides, as compiled loops take them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from topolearn.graph import BipartiteGraph

Indices = NDArray[np.int64] | NDArray[np.int32]


class Side(NamedTuple):
    """The neighbours of each neuron of one side (the rows), and of each of the other side (back)."""

    pointers: Indices
    ends: Indices
    back_pointers: Indices
    back_ends: Indices

    @property
    def other(self) -> "Side":
        """The same links, seen from the other side."""
        return Side(self.back_pointers, self.back_ends, self.pointers, self.ends)

    @property
    def walks(self) -> NDArray[np.number]:
        """For each row the number of walks of two links that begin there."""
        rows = np.repeat(np.arange(self.pointers.size - 1), np.diff(self.pointers))
        degrees = np.diff(self.back_pointers)[self.ends]
        return np.bincount(rows, degrees.astype(np.float64), minlength=self.pointers.size - 1)


def outputs_of(graph: BipartiteGraph) -> Side:
    """Return the links seen from the outputs."""
    by_output, by_input = graph.to_scipy(), graph.to_scipy().tocsc()
    return Side(by_output.indptr, by_output.indices, by_input.indptr, by_input.indices)


def cheaper_side(graph: BipartiteGraph) -> Side:
    """Return the links seen from the side from which fewer walks of two links lead."""
    side = outputs_of(graph)
    from_outputs, from_inputs = (int((np.diff(p).astype(np.int64) ** 2).sum()) for p in (side[2], side[0]))
    return side if from_outputs <= from_inputs else side.other
