"""The weights of all possible counts, in tables that the kernels look them up in."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from topolearn.graph.one_mode import Graph
from topolearn.graph.two_way_csr import TwoWayCsr, sum_over
from topolearn.linkpred.predictor import LinkPredictor, Weight

Table = tuple[NDArray[np.floating], NDArray[np.int64]]  # values, and where those of each neuron begin


def numpy_dtype(dtype: torch.dtype) -> np.dtype[np.floating]:
    """Return numpy's float32 or float64."""
    return np.dtype(np.float32 if dtype == torch.float32 else np.float64)


def tables_of(links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype) -> tuple[Table, Table]:
    """Return the weight tables of the output neurons and of the input neurons."""
    values, starts = weight_table(np.concatenate([links.fan_in, links.fan_out]), predictor.weight, dtype)
    return (values, starts[: links.n_out].copy()), (values, starts[links.n_out :].copy())


def tables_of_one_mode(graph: Graph, predictor: LinkPredictor, dtype: torch.dtype) -> tuple[Any, Any, Any]:
    """Return links, weight tables for members of one seed and of both, and how many candidates a node has at most."""
    adjacency = graph.to_scipy()
    links = adjacency.indptr.astype(np.int64), adjacency.indices.astype(np.int32)  # the types of `TwoWayCsr`
    degrees = np.diff(links[0])
    one, both = (weight_table(degrees, predictor.weight, dtype, n_seeds=n) for n in (1, 2))
    walks = sum_over(*links, sum_over(*links, degrees))
    return links, (*one, *both), np.minimum(walks, np.arange(graph.n_nodes)[::-1])


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
    values[internal == 0] = 0  # it is in no community
    return values, first[degrees]
