"""The products of a sparse layer with feature-major activations, compiled for the CPU.

Importing this loads numba, so it is imported when it is first needed.
"""

from __future__ import annotations

from array import array
from functools import cache

import torch
from torch import Tensor

from topolearn.sparse.index import Direction, LinkIndex
from topolearn.sparse.kernels.backward import backward_kernel, mask_kernel
from topolearn.sparse.kernels.forward import forward_kernel
from topolearn.sparse.kernels.transpose import transpose_kernel
from topolearn.threads import Kernel, run_together

TILES = (8, 4, 2, 1)  # vectors in a tile
FORWARD, BACKWARD = 0.06, 0.12  # nanoseconds for a link and an activation
LEAST = 1e5  # nanoseconds of work that are worth other threads
PARTS = 4  # for each thread, so that none waits long for the last


def transposed(x: Tensor) -> Tensor:
    """Return a transposed matrix, contiguous: as it is where it is one already, else by a copy."""
    if (turned := x.t()).is_contiguous():
        return turned
    x = x.contiguous()
    y = x.new_empty(turned.shape)
    transpose_kernel(_name(x))(x.data_ptr(), y.data_ptr(), *x.shape)
    return y


def outputs(links: LinkIndex, values: Tensor, bias: Tensor | None, x: Tensor, relu: bool) -> Tensor:
    """Return the outputs of a layer, shape (n_out, batch), of inputs (n_in, batch)."""
    batch, size = x.shape[1], x.element_size()
    y = x.new_empty((links.n_out, batch))
    start = 0 if bias is None else bias.data_ptr()
    inputs, found, weights = x.data_ptr(), y.data_ptr(), values.data_ptr()
    for offset, n_vectors, count in _tiles(batch, size):
        kernel = forward_kernel(_name(x), n_vectors)
        needed = (weights, start, inputs + offset, found + offset, batch, count, relu)
        _run(kernel, links.along, FORWARD * count, *needed)
    return y


def gradients(
    links: LinkIndex, values: Tensor, x: Tensor, dy: Tensor, *, need_dx: bool, behind_relu: bool
) -> tuple[Tensor | None, Tensor | None, Tensor]:
    """Return the gradients of the inputs, their sums over the batch (both None if not wanted), and those of the links.

    Parameters
    ----------
    links : LinkIndex
    values : Tensor with n_links elements
    x, dy : Tensor, shape (n_in, batch) and (n_out, batch)
        The inputs, and the gradient of the outputs before their activation.
    need_dx : bool
        Whether the gradient of the inputs is wanted.
    behind_relu : bool
        Whether the inputs came out of a ReLU; their gradient is then that of what went into it, and its sum that of
        the biases there.
    """
    batch, size = x.shape[1], x.element_size()
    dx, sums = (torch.empty_like(x), x.new_empty(links.n_in)) if need_dx else (None, None)
    dvalues = torch.empty_like(values)
    if not batch:
        return dx, None if sums is None else sums.zero_(), dvalues.zero_()
    below, biases = (0, 0) if dx is None or sums is None else (dx.data_ptr(), sums.data_ptr())
    inputs, above, weights, found = x.data_ptr(), dy.data_ptr(), values.data_ptr(), dvalues.data_ptr()
    for offset, n_vectors, count in _tiles(batch, size):
        kernel = backward_kernel(_name(x), n_vectors, int(need_dx), int(offset > 0))
        needed = (weights, inputs + offset, above + offset, below + offset, found, biases, batch, count, behind_relu)
        _run(kernel, links.across, BACKWARD * count, *needed)
    return dx, sums, dvalues


def before_activation(y: Tensor, dy: Tensor, relu: bool) -> tuple[Tensor, Tensor]:
    """Return the gradient before the activation that gave y, and its sum over the batch: the gradient of the biases."""
    dz = torch.empty_like(dy) if relu else dy
    dbias = dy.new_empty(dy.shape[0])
    kernel = mask_kernel(_name(dy), int(relu))
    kernel(0, dy.shape[0], y.data_ptr(), dy.data_ptr(), dz.data_ptr(), dbias.data_ptr(), dy.shape[1])
    return dz, dbias


def _name(tensor: Tensor) -> str:
    return "float32" if tensor.dtype == torch.float32 else "float64"


@cache
def _tiles(batch: int, size: int) -> list[tuple[int, int, int]]:
    """Return the tiles that cover a batch: offset in bytes, vectors (0 for part of one), activations.

    Examples
    --------
    >>> _tiles(77, 4)
    [(0, 4, 64), (256, 0, 13)]
    """
    lanes, at, tiles = 64 // size, 0, []
    for n_vectors in TILES:
        while batch - at >= n_vectors * lanes:
            tiles.append((at * size, n_vectors, n_vectors * lanes))
            at += n_vectors * lanes
    if at < batch:
        tiles.append((at * size, 0, batch - at))
    return tiles


def _run(kernel: Kernel, links: Direction, nanoseconds: float, *needed: int) -> None:
    """Run a kernel over all neurons of a side, given what a link takes: on several threads if there is enough work."""
    n_threads = torch.get_num_threads() if links.n_links * nanoseconds > LEAST else 1
    n_parts = 1 if n_threads == 1 else PARTS * n_threads
    work = array("q", (0, n_parts, links.bounds(n_parts), *links.addresses, *needed))
    run_together(kernel, work.buffer_info()[0], n_threads)
