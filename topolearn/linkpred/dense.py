"""The dense form of every link predictor: matrix products on any torch device."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph

AdjacencyLike = object  # BipartiteGraph, scipy sparse matrix, numpy array or torch tensor


def as_mask(adjacency: AdjacencyLike, device: torch.device | str | None = None) -> Tensor:
    """Return the adjacency as a bool tensor of shape (n_out, n_in); a torch mask stays on its device.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is neither a graph nor a matrix of links.
    """
    if isinstance(adjacency, Tensor) and adjacency.dtype == torch.bool and adjacency.layout == torch.strided:
        if adjacency.dim() != 2:
            raise InvalidValueError(f"a mask must be 2-D, (n_out, n_in); this one has shape {tuple(adjacency.shape)}")
        return adjacency if device is None else adjacency.to(device)
    if device is None and isinstance(adjacency, Tensor):
        device = adjacency.device
    graph = adjacency if isinstance(adjacency, BipartiteGraph) else BipartiteGraph(adjacency)
    return graph.to_torch(device=device)


@contextmanager
def exact_products(device: torch.device) -> Iterator[None]:
    """Compute matrix products in the dtype of their factors: no autocast and no TF32 within."""
    tf32 = torch.backends.cuda.matmul.allow_tf32
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = tf32


def check_dtype(dtype: torch.dtype | np.dtype | str | None) -> torch.dtype:
    """Return the floating dtype to score in, float64 unless told otherwise."""
    if dtype is None:
        return torch.float64
    if isinstance(dtype, torch.dtype):
        found = dtype
    else:
        try:
            found = torch.from_numpy(np.empty(0, dtype=dtype)).dtype
        except TypeError:
            raise InvalidTypeError(f"dtype={dtype!r} is not a dtype: use 'float32' or 'float64'") from None
    if found not in (torch.float32, torch.float64):
        raise InvalidValueError(f"dtype={dtype} cannot hold exact counts: use float32 or float64")
    return found
