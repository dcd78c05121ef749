"""Lookup tables for kernels: the weights for all possible counts of links."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from topolearn.graph.one_mode.graph import Graph
from topolearn.graph.two_way_csr import TwoWayCsr, sum_over
from topolearn.linkpred.predictor import LinkPredictor, Weight

Table = tuple[NDArray[np.floating], NDArray[np.int64]]  # values, and the start of each neuron's values


def numpy_dtype(dtype: torch.dtype) -> np.dtype[np.floating]:
    """Return the numpy dtype, float32 or float64."""
    return np.dtype(np.float32 if dtype == torch.float32 else np.float64)


def tables_of(links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype) -> tuple[Table, Table]:
    """Return the weight tables of the output neurons and of the input neurons."""
    values, starts = weight_table(np.concatenate([links.fan_in, links.fan_out]), predictor.weight, dtype)
    return (values, starts[: links.n_out].copy()), (values, starts[links.n_out :].copy())


def tables_of_one_mode(graph: Graph, predictor: LinkPredictor, dtype: torch.dtype) -> tuple[Any, Any, Any]:
    """Return the links, weight tables for members linked to one seed or both, and the most candidates of each node."""
    adjacency = graph.to_scipy()
    links = adjacency.indptr.astype(np.int64), adjacency.indices.astype(np.int32)  # the types of `TwoWayCsr`
    degrees = np.diff(links[0])
    one, both = (weight_table(degrees, predictor.weight, dtype, n_seeds=n) for n in (1, 2))
    walks = sum_over(*links, sum_over(*links, degrees))
    return links, (*one, *both), np.minimum(walks, np.arange(graph.n_nodes)[::-1])


def weight_table(degrees: NDArray[np.int64], weight: Weight, dtype: torch.dtype, *, n_seeds: int = 1) -> Table:
    """Return the weights of every neuron for every possible number of internal links.

    Neurons of the same degree share entries, so the table has few more values than the graph has links.

    Parameters
    ----------
    degrees : array of int64, shape (n,)
    weight : callable
        As in `topolearn.linkpred.predictor.LinkPredictor`.
    dtype : torch.dtype
        The dtype of the values.
    n_seeds : int
        Number of links of a neuron that lead to u and v; all others are internal or external.

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
    sizes[0] = 1  # a neuron without links is in no community, and its weight is never used
    first: NDArray[np.int64] = np.cumsum(sizes) - sizes
    degree = np.repeat(np.arange(sizes.size), sizes).astype(np.float64)
    internal = np.arange(degree.size) - np.repeat(first, sizes).astype(np.float64)
    counts = degree.clip(min=1), internal, (degree - internal - n_seeds).clip(min=0)
    values = weight(*(torch.from_numpy(each) for each in counts)).to(dtype).numpy()
    values[internal == 0] = 0  # not in the community
    return values, first[degrees]
