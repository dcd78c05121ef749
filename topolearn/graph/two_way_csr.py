"""The links of a graph by row and by column, in the form that compiled loops need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topolearn.errors import InvalidValueError
from topolearn.graph.bipartite.graph import BipartiteGraph


@dataclass(frozen=True)
class TwoWayCsr:
    """The links of a bipartite graph in compressed form, in both directions.

    The arrays are writable and always have these dtypes, so that numba compiles each loop only once.

    Attributes
    ----------
    pointers, ends : arrays of int64, shape (n_out + 1,), and int32, shape (n_links,)
        Input neurons that output neuron u links to: ``ends[pointers[u]:pointers[u + 1]]``, sorted.
    back_pointers, back_ends : arrays of int64, shape (n_in + 1,), and int32, shape (n_links,)
        Output neurons that link to each input neuron, in the same form.

    Examples
    --------
    >>> links = TwoWayCsr.of(BipartiteGraph(np.array([[1, 1, 0], [0, 1, 1]])))
    >>> links.ends, links.back_ends
    (array([0, 1, 1, 2], dtype=int32), array([0, 0, 1, 1], dtype=int32))
    """

    pointers: NDArray[np.int64]
    ends: NDArray[np.int32]
    back_pointers: NDArray[np.int64]
    back_ends: NDArray[np.int32]

    @classmethod
    def of(cls, graph: BipartiteGraph) -> TwoWayCsr:
        """Return the links of a graph.

        Raises
        ------
        InvalidValueError
            When a side has more neurons than a 32-bit integer can number.
        """
        if max(graph.shape) >= 2**31:
            raise InvalidValueError(
                f"a side of {max(graph.shape)} neurons is too large: at most {2**31 - 1} are supported"
            )
        from topolearn.graph.kernels import transpose

        pointers, ends = graph.indptr.copy(), graph.indices.astype(np.int32)
        return cls(pointers, ends, *transpose(pointers, ends, graph.n_in))

    @property
    def n_out(self) -> int:
        """Number of output neurons."""
        return self.pointers.size - 1

    @property
    def n_in(self) -> int:
        """Number of input neurons."""
        return self.back_pointers.size - 1

    @property
    def fan_in(self) -> NDArray[np.int64]:
        """Number of links of each output neuron."""
        return np.diff(self.pointers)

    @property
    def fan_out(self) -> NDArray[np.int64]:
        """Number of links of each input neuron."""
        return np.diff(self.back_pointers)

    @property
    def transposed(self) -> TwoWayCsr:
        """The same links with the sides exchanged; the arrays are shared."""
        return TwoWayCsr(self.back_pointers, self.back_ends, self.pointers, self.ends)

    @property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
        """All four arrays, as the kernels take them."""
        return self.pointers, self.ends, self.back_pointers, self.back_ends

    def walks_of_two(self) -> NDArray[np.int64]:
        """Return the number of walks of two links from each output neuron."""
        return sum_over(self.pointers, self.ends, self.fan_out)

    def walks_of_three(self) -> NDArray[np.int64]:
        """Return the number of walks of three links from each output neuron."""
        return sum_over(self.pointers, self.ends, self.transposed.walks_of_two())


def sum_over(pointers: NDArray[np.int64], ends: NDArray[np.int32], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each neuron the sum of its neighbours' values.

    Examples
    --------
    >>> sum_over(np.array([0, 2, 2, 3]), np.array([0, 1, 1], np.int32), np.array([10, 1]))
    array([11,  0,  1])
    """
    running = np.concatenate([[0], np.cumsum(values[ends])])
    return running[pointers[1:]] - running[pointers[:-1]]
