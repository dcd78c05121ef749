"""What the kernels read: the links of a graph by row and by column, and the weights of all possible counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.graph.one_mode import OneModeGraph
from topolearn.linkpred.predictor import LinkPredictor, Weight

Table = tuple[NDArray[np.floating], NDArray[np.int64]]  # values, and where those of each neuron begin


@dataclass(frozen=True)
class Links:
    """The links of a bipartite graph, in both directions.

    Attributes
    ----------
    pointers, ends : arrays of int64, shape (n_out + 1,), and int32, shape (n_links,)
        Input neurons that output neuron u links to: ``ends[pointers[u]:pointers[u + 1]]``, sorted.
    back_pointers, back_ends : arrays
        Output neurons that link to each input neuron, likewise.
    """

    pointers: NDArray[np.int64]
    ends: NDArray[np.int32]
    back_pointers: NDArray[np.int64]
    back_ends: NDArray[np.int32]

    @classmethod
    def of(cls, graph: BipartiteGraph) -> Links:
        """Return the links of a graph.

        Raises
        ------
        InvalidValueError
            When a side has more neurons than 32 bits can count.
        """
        if max(graph.shape) >= 2**31:
            raise InvalidValueError(
                f"a side of {max(graph.shape)} neurons is too large: at most {2**31 - 1} are scored"
            )
        from topolearn.linkpred.compiled.kernels.transpose import transpose

        by_output = _compressed(graph.to_scipy())
        return cls(*by_output, *transpose(*by_output, graph.n_in))

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
        """Links of each output neuron."""
        return np.diff(self.pointers)

    @property
    def fan_out(self) -> NDArray[np.int64]:
        """Links of each input neuron."""
        return np.diff(self.back_pointers)

    @property
    def transposed(self) -> Links:
        """The same links with the sides exchanged."""
        return Links(self.back_pointers, self.back_ends, self.pointers, self.ends)

    @property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
        """All four arrays, as the kernels take them."""
        return self.pointers, self.ends, self.back_pointers, self.back_ends

    def reached(self) -> NDArray[np.int64]:
        """Return the number of walks of length two from each input neuron."""
        return sum_over(self.back_pointers, self.back_ends, self.fan_in)

    def walks(self) -> NDArray[np.int64]:
        """Return the number of walks of length three from each output neuron: the work that its scores take."""
        return sum_over(self.pointers, self.ends, self.reached())


def sum_over(pointers: NDArray[np.int64], ends: NDArray[np.int32], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each neuron the sum of its neighbours' values."""
    running = np.concatenate([[0], np.cumsum(values[ends])])
    return running[pointers[1:]] - running[pointers[:-1]]


def links_of_one_mode(graph: OneModeGraph) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return pointers and ends of the links of each node of a one-mode graph."""
    return _compressed(graph.to_scipy())


def numpy_dtype(dtype: torch.dtype) -> np.dtype[np.floating]:
    """Return numpy's float32 or float64."""
    return np.dtype(np.float32 if dtype == torch.float32 else np.float64)


def tables_of(links: Links, predictor: LinkPredictor, dtype: torch.dtype) -> tuple[Table, Table]:
    """Return the weight tables of the output neurons and of the input neurons."""
    values, starts = weight_table(np.concatenate([links.fan_in, links.fan_out]), predictor.weight, dtype)
    return (values, starts[: links.n_out].copy()), (values, starts[links.n_out :].copy())


def weight_table(degrees: NDArray[np.int64], weight: Weight, dtype: torch.dtype, *, n_seeds: int = 1) -> Table:
    """Return the weights of every neuron for every number of internal links that it can have.

    Neurons of one degree share their part of the table, so that it has no more values than there are links, and a few.

    Parameters
    ----------
    degrees : array of int64, shape (n,)
    weight : callable
        As in `topolearn.linkpred.predictor.LinkPredictor`.
    dtype : torch.dtype
        Of the values.
    n_seeds : int
        How many of a neuron's links lead to u and v: all others but the internal ones are external.

    Returns
    -------
    values : array, and starts : array of int64, shape (n,)
        Neuron z with x internal links weighs ``values[starts[z] + x]``.

    Examples
    --------
    >>> values, starts = weight_table(np.array([2, 0, 1, 2]), lambda d, di, de: di / d, torch.float64)
    >>> values.tolist(), starts.tolist()
    ([0.0, 0.0, 1.0, 0.0, 0.5, 1.0], [3, 0, 1, 3])
    """
    sizes = (np.bincount(degrees, minlength=1) > 0) * np.arange(1, degrees.max(initial=0) + 2)
    sizes[0] = 1  # a neuron without links is in no community; its weight is never asked for
    first: NDArray[np.int64] = np.cumsum(sizes) - sizes
    degree = np.repeat(np.arange(sizes.size), sizes).astype(np.float64)
    internal = np.arange(degree.size) - np.repeat(first, sizes).astype(np.float64)
    counts = degree.clip(min=1), internal, (degree - internal - n_seeds).clip(min=0)
    values = weight(*(torch.from_numpy(each) for each in counts)).to(dtype).numpy()
    return values, first[degrees]


def _compressed(matrix: object) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    # Fresh, writable arrays of one type: the kernels are compiled for no other.
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)  # type: ignore[attr-defined]
