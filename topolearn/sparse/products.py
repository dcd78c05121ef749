"""The products of a sparse layer with feature-major activations, compiled for the CPU.

Importing this loads numba, so it is imported when it is first needed.
"""

from __future__ import annotations

from ctypes import addressof
from functools import cache

import torch
from torch import Tensor

from topolearn.sparse.index import Direction, LinkIndex
from topolearn.sparse.kernels.backward import BackwardWork, backward_kernel
from topolearn.sparse.kernels.before_activation import mask_kernel
from topolearn.sparse.kernels.forward import ForwardWork, forward_kernel
from topolearn.sparse.kernels.transpose import transpose_kernel
from topolearn.sparse.kernels.work import Work
from topolearn.threads import Kernel, run_together

TILES = (8, 4, 2, 1)  # vectors in a tile
FORWARD, BACKWARD = 0.06, 0.12  # nanoseconds for a link and an activation
LEAST = 1e5  # nanoseconds of work that are worth other threads
CHUNKS = 4  # for each thread, so that none waits long for the last


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
    batch, along, dtype = x.shape[1], links.along, _name(x)
    y = x.new_empty((links.n_out, batch))
    for offset, n_vectors, tile_size in _tiles(batch, x.element_size()):
        work = ForwardWork(
            crow=along.addresses["crow"],
            col=along.addresses["col"],
            values=values.data_ptr(),
            bias=0 if bias is None else bias.data_ptr(),
            x=x.data_ptr() + offset,
            y=y.data_ptr() + offset,
            batch=batch,
            tile_size=tile_size,
            relu=relu,
        )
        _run(forward_kernel(dtype, n_vectors), work, along, FORWARD * tile_size)
    return y


def gradients(
    links: LinkIndex, values: Tensor, x: Tensor, dz: Tensor, *, need_dx: bool, behind_relu: bool
) -> tuple[Tensor | None, Tensor | None, Tensor]:
    """Return the gradients of the inputs, their sums over the batch (both None if not wanted), and those of the links.

    Parameters
    ----------
    links : LinkIndex
    values : Tensor with n_links elements
    x, dz : Tensor, shape (n_in, batch) and (n_out, batch)
        The inputs, and the gradient of the outputs before their activation.
    need_dx : bool
        Whether the gradient of the inputs is wanted.
    behind_relu : bool
        Whether the inputs came out of a ReLU; their gradient is then that of what went into it, and its sum that of
        the biases there.
    """
    batch, across, dtype = x.shape[1], links.across, _name(x)
    dx, dbias = (torch.empty_like(x), x.new_empty(links.n_in)) if need_dx else (None, None)
    dvalues = torch.empty_like(values)
    if not batch:
        return dx, None if dbias is None else dbias.zero_(), dvalues.zero_()
    for offset, n_vectors, tile_size in _tiles(batch, x.element_size()):
        work = BackwardWork(
            ccol=across.addresses["ccol"],
            row=across.addresses["row"],
            places=across.addresses["places"],
            values=values.data_ptr(),
            x=x.data_ptr() + offset,
            dz=dz.data_ptr() + offset,
            dx=0 if dx is None else dx.data_ptr() + offset,
            dbias=0 if dbias is None else dbias.data_ptr(),
            dvalues=dvalues.data_ptr(),
            batch=batch,
            tile_size=tile_size,
            behind_relu=behind_relu,
        )
        _run(backward_kernel(dtype, n_vectors, int(need_dx), int(offset > 0)), work, across, BACKWARD * tile_size)
    return dx, dbias, dvalues


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


def _run(kernel: Kernel, work: Work, links: Direction, nanoseconds: float) -> None:
    """Run a kernel over all neurons of a side, given what a link takes: on several threads if there is enough work."""
    n_threads = torch.get_num_threads() if links.n_links * nanoseconds > LEAST else 1
    work.n_chunks = 1 if n_threads == 1 else CHUNKS * n_threads
    work.bounds = links.bounds(work.n_chunks)
    run_together(kernel, addressof(work), n_threads)
