"""The products of a sparse layer with torch's own sparse matrices, for GPUs and where numba is missing."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from topolearn.sparse.products.index import LinkIndex


def transposed(x: Tensor) -> Tensor:
    """Return the transpose of a matrix, contiguous."""
    return x.t().contiguous()


def outputs(links: LinkIndex, values: Tensor, bias: Tensor | None, x: Tensor, relu: bool) -> Tensor:
    """Return the outputs of a layer; see `topolearn.sparse.products.by_numba.outputs`."""
    links.check(values, bias)
    if not x.shape[1]:  # the devices' sparse libraries disagree about matrices without columns
        return x.new_empty((links.n_out, 0))
    with torch.autocast(x.device.type, enabled=False):
        y = _matrix(links, values) @ x
    if bias is not None:
        y += bias[:, None]
    return y.relu_() if relu else y


def gradients(
    links: LinkIndex, values: Tensor, x: Tensor, dz: Tensor, *, need_dx: bool, behind_relu: bool
) -> tuple[Tensor | None, Tensor | None, Tensor]:
    """Return the gradients of the inputs, their sums, and those of the links, as `by_numba.gradients` does."""
    links.check(values)
    if not x.shape[1]:
        dx, dx_sums = (torch.empty_like(x), x.new_zeros(links.n_in)) if need_dx else (None, None)
        return dx, dx_sums, torch.zeros_like(values)
    pattern = _matrix(links, torch.zeros_like(values))
    dvalues = torch.sparse.sampled_addmm(pattern, dz, x.t().contiguous()).values()
    if not need_dx:
        return None, None, dvalues
    col = links.col.to(torch.int64)
    places = torch.argsort(col, stable=True)
    ccol = torch.zeros(links.n_in + 1, dtype=torch.int64, device=x.device)
    torch.cumsum(torch.bincount(col, minlength=links.n_in), 0, out=ccol[1:])
    row = links.rows[places]
    dx = _csr(ccol, row, values[places], (links.n_in, links.n_out)) @ dz  # the transpose: its rows are these columns
    if behind_relu:
        dx.masked_fill_(x <= 0, 0)
    return dx, dx.sum(dim=1), dvalues


def before_activation(y: Tensor, dy: Tensor, relu: bool) -> tuple[Tensor, Tensor]:
    """Return the gradient before the activation with outputs y, and its sum over the batch."""
    dz = dy.masked_fill(y <= 0, 0) if relu else dy
    return dz, dz.sum(dim=1)


def _matrix(links: LinkIndex, values: Tensor) -> Tensor:
    return _csr(links.crow, links.col.to(torch.int64), values, (links.n_out, links.n_in))


def _csr(crow: Tensor, col: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(crow, col, values, shape, check_invariants=False)
