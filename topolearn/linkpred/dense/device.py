"""The device and the precision of the dense form."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.linkpred.memory import SELECT, check_memory, dense_bytes

AdjacencyLike = object  # BipartiteGraph, scipy sparse matrix, numpy array or torch tensor


def as_mask(
    adjacency: AdjacencyLike, device: torch.device | str | None = None, itemsize: int = 0, cure: str = SELECT
) -> Tensor:
    """Return the adjacency as a bool tensor of shape (n_out, n_in); a torch mask stays on its device.

    `itemsize` is the number of bytes of a score: if the dense form would not fit into memory, an error that ends with
    `cure` is raised before anything of its shape is allocated.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the adjacency is neither a graph nor a matrix of links, or is too large.
    """
    if isinstance(adjacency, Tensor) and adjacency.dtype == torch.bool and adjacency.layout == torch.strided:
        if adjacency.dim() != 2:
            raise InvalidValueError(f"a mask must be 2-D, (n_out, n_in); this one has shape {tuple(adjacency.shape)}")
        device = torch.device(adjacency.device if device is None else device)
        check_memory(dense_bytes(adjacency.shape, itemsize), device, tuple(adjacency.shape), cure)
        return adjacency.to(device)
    if device is None and isinstance(adjacency, Tensor):
        device = adjacency.device
    graph = adjacency if isinstance(adjacency, BipartiteGraph) else BipartiteGraph(adjacency)
    device = torch.device(torch.get_default_device() if device is None else device)
    check_memory(dense_bytes(graph.shape, itemsize), device, graph.shape, cure)
    return graph.to_torch(device=device)


@contextmanager
def exact_products(device: torch.device) -> Iterator[None]:
    """Compute matrix products in the dtype of their factors, without autocast, TF32 or bfloat16."""
    with torch.no_grad(), torch.autocast(device.type, enabled=False), _full_precision():
        yield


@contextmanager
def _full_precision() -> Iterator[None]:
    """Disable reduced-precision float32 products, and restore torch's settings afterwards."""
    if not hasattr(torch.backends.cuda.matmul, "fp32_precision"):  # before torch 2.9: one setting for all
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
        return
    # The older flags cannot be read once a caller has used these, and setting them would change these permanently.
    modules: tuple[Any, ...] = (torch.backends.cuda, torch.backends.mkldnn)
    backends = [module.matmul for module in modules]
    precisions = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "ieee"
        yield
    finally:
        for backend, precision in zip(backends, precisions, strict=True):
            backend.fp32_precision = precision


def check_dtype(dtype: torch.dtype | np.dtype | str | None) -> torch.dtype:
    """Return the floating-point dtype of the scores, float64 by default."""
    if dtype is None:
        return torch.float64
    if isinstance(dtype, torch.dtype):
        scoring_dtype = dtype
    else:
        try:
            scoring_dtype = torch.from_numpy(np.empty(0, dtype=dtype)).dtype
        except TypeError:
            raise InvalidTypeError(f"dtype={dtype!r} is not a dtype: use 'float32' or 'float64'") from None
    if scoring_dtype not in (torch.float32, torch.float64):
        raise InvalidValueError(f"dtype={dtype} cannot hold exact counts: use float32 or float64")
    return scoring_dtype
