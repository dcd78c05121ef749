"""The products of a sparse layer with feature-major activations, compiled for the CPU.

Importing this module loads numba, so it is imported only when first needed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ctypes import addressof
from functools import cache

import torch
from torch import Tensor

from topolearn.sparse.kernels.backward import BackwardWork, backward_kernel
from topolearn.sparse.kernels.before_activation import mask_kernel
from topolearn.sparse.kernels.forward import ForwardWork, forward_kernel
from topolearn.sparse.kernels.transpose import TransposeWork, transpose_kernel
from topolearn.sparse.kernels.work import Work
from topolearn.sparse.products.huge_pages import on_huge_pages
from topolearn.sparse.products.index import Direction, LinkIndex
from topolearn.threads import Kernel, run_together

Call = tuple[Kernel, Work, float]  # a kernel, its record, and its nanoseconds per link
TILES = (8, 4, 2, 1)  # vectors per tile
WIDEST = 64 * TILES[0]  # bytes of a row in the widest tile
CACHED, AHEAD = 2**23, 8  # bytes of rows that fit into a cache; links to prefetch ahead beyond that
BLOCK = 2**18  # bytes of rows in a block of neurons, about half of a second-level cache
PLACED_BLOCK = 3 * 2**14  # the same for a first-level cache, where values are in another order than the links
LEAST_READS = 32  # of a row, on average, that make it pay off to copy its tile
FORWARD, BACKWARD = 0.06, 0.12  # nanoseconds per link and activation
LEAST = 1e5  # nanoseconds of work above which several threads pay off
CHUNKS = 4  # per thread, so that no thread waits long for the last one


def transposed(x: Tensor) -> Tensor:
    """Return the transpose of a matrix, contiguous: a view where the transpose already is contiguous, else a copy."""
    if (turned := x.t()).is_contiguous():
        return turned
    x = x.contiguous()
    y, bounds = on_huge_pages(x.new_empty(turned.shape)), (ctypes.c_int64 * 2)(0, x.shape[1])
    work = TransposeWork(x=x.data_ptr(), y=y.data_ptr(), n_rows=x.shape[0], n_columns=x.shape[1])
    work.n_chunks, work.bounds = 1, addressof(bounds)
    transpose_kernel(name_of(x)).call(addressof(work))
    return y


def outputs(links: LinkIndex, values: Tensor, bias: Tensor | None, x: Tensor, relu: bool) -> Tensor:
    """Return the outputs of a layer, shape (n_out, batch), of inputs (n_in, batch)."""
    y = on_huge_pages(x.new_empty((links.n_out, x.shape[1])))
    if _is_scattered(links.along, x):
        for tile in wide_tiles(x.shape[1], x.element_size()):
            y[:, tile] = outputs(links, values, bias, x[:, tile].contiguous(), relu)
        return y
    for kernel, work, nanoseconds in forward_calls(links, values, bias, x, y, relu):
        _run(kernel, work, links.along, nanoseconds)
    return y


def forward_calls(
    links: LinkIndex, values: Tensor, bias: Tensor | None, x: Tensor, y: Tensor, relu: bool, *, by_input: bool = False
) -> Iterator[Call]:
    """Yield the kernel calls that write the outputs of a layer, y of shape (n_out, batch), tile by tile.

    With `by_input`, the values are in the order of `LinkIndex.across`, by input neuron: a backward pass then reads and
    writes them sequentially and takes a third less time, while a forward pass takes half as long again.
    """
    links.check(values, bias)
    batch, along, dtype = x.shape[1], links.along, name_of(x)
    for offset, n_vectors, tile_size in _tiles(batch, x.element_size()):
        n_blocks = along.n_blocks(tile_size * x.element_size(), PLACED_BLOCK if by_input else BLOCK)
        work = ForwardWork(
            crow=along.blocks(n_blocks),
            col=along.addresses["col"],
            places=links.places_by_input.ctypes.data if by_input else 0,
            values=values.data_ptr(),
            bias=0 if bias is None else bias.data_ptr(),
            x=x.data_ptr() + offset,
            y=y.data_ptr() + offset,
            n_links=links.n_links,
            batch=batch,
            tile_size=tile_size,
            relu=relu,
            n_blocks=n_blocks,
        )
        yield forward_kernel(dtype, n_vectors, int(by_input), _ahead(x)), work, FORWARD * tile_size


def gradients(
    links: LinkIndex, values: Tensor, x: Tensor, dz: Tensor, *, need_dx: bool, behind_relu: bool
) -> tuple[Tensor | None, Tensor | None, Tensor]:
    """Return the gradients of the inputs, their sums over the batch (both None if not needed), and those of the links.

    Parameters
    ----------
    links : LinkIndex
    values : Tensor with n_links elements
    x, dz : Tensor, shape (n_in, batch) and (n_out, batch)
        The inputs, and the gradient of the outputs before their activation.
    need_dx : bool
        Whether the gradient of the inputs is needed.
    behind_relu : bool
        Whether the inputs are the outputs of a ReLU; dx is then the gradient of the ReLU's inputs, and its sum the
        gradient of the biases there.
    """
    dx, dbias = (on_huge_pages(torch.empty_like(x)), x.new_empty(links.n_in)) if need_dx else (None, None)
    dvalues = on_huge_pages(torch.empty_like(values))
    if not x.shape[1]:
        return dx, None if dbias is None else dbias.zero_(), dvalues.zero_()
    if _is_scattered(links.across, dz):
        dvalues.zero_()
        for tile in wide_tiles(x.shape[1], x.element_size()):
            x_tile, dz_tile = x[:, tile].contiguous(), dz[:, tile].contiguous()
            dx_tile, dbias_tile, more = gradients(
                links, values, x_tile, dz_tile, need_dx=need_dx, behind_relu=behind_relu
            )
            dvalues += more
            if dx is not None and dbias is not None and dx_tile is not None and dbias_tile is not None:
                dx[:, tile] = dx_tile
                dbias = dbias_tile if tile.start == 0 else dbias.add_(dbias_tile)
        return dx, dbias, dvalues
    for kernel, work, nanoseconds in backward_calls(links, values, x, dz, dx, dbias, dvalues, behind_relu):
        _run(kernel, work, links.across, nanoseconds)
    return dx, dbias, dvalues


def backward_calls(
    links: LinkIndex, values: Tensor, x: Tensor, dz: Tensor, dx: Tensor | None, dbias: Tensor | None, dvalues: Tensor,
    behind_relu: bool, *, by_input: bool = False, accumulate: bool = False,
) -> Iterator[Call]:  # fmt: skip
    """Yield the kernel calls that write the gradients of inputs, of the biases before them, and of links, by tile.

    Values and their gradients are in the order that `forward_calls` describes. With `accumulate`, the gradients of
    biases and links are added to the present ones.
    """
    links.check(values)
    batch, across, dtype, need_dx = x.shape[1], links.across, name_of(x), int(dx is not None)
    for offset, n_vectors, tile_size in _tiles(batch, x.element_size()):
        n_blocks = across.n_blocks(tile_size * x.element_size(), BLOCK)
        work = BackwardWork(
            ccol=across.blocks(n_blocks),
            row=across.addresses["row"],
            places=across.addresses["places"],
            values=values.data_ptr(),
            x=x.data_ptr() + offset,
            dz=dz.data_ptr() + offset,
            dx=0 if dx is None else dx.data_ptr() + offset,
            dbias=0 if dbias is None else dbias.data_ptr(),
            dvalues=dvalues.data_ptr(),
            n_links=links.n_links,
            batch=batch,
            tile_size=tile_size,
            behind_relu=behind_relu,
            n_blocks=n_blocks,
        )
        accumulates = int(accumulate or offset > 0)
        kernel = backward_kernel(dtype, n_vectors, need_dx, accumulates, int(by_input), _ahead(dz))
        yield kernel, work, BACKWARD * tile_size


def before_activation(y: Tensor, dy: Tensor, relu: bool) -> tuple[Tensor, Tensor]:
    """Return the gradient before the activation with outputs y, and its sum over the batch, the biases' gradient."""
    dz = on_huge_pages(torch.empty_like(dy)) if relu else dy
    dbias = dy.new_empty(dy.shape[0])
    kernel = mask_kernel(name_of(dy), int(relu))
    kernel(0, dy.shape[0], y.data_ptr(), dy.data_ptr(), dz.data_ptr(), dbias.data_ptr(), dy.shape[1])
    return dz, dbias


def name_of(tensor: Tensor) -> str:
    """Return the name that kernels use for the dtype of a tensor."""
    return "float32" if tensor.dtype == torch.float32 else "float64"


def _ahead(read: Tensor) -> int:
    """Return how many links ahead a kernel prefetches the rows that they read: 0 where the rows fit into a cache."""
    return AHEAD if read.nbytes > CACHED else 0


def _is_scattered(links: Direction, read: Tensor) -> bool:
    """Whether the tiles of the rows that links read are too far apart for the caches, so that it pays off to copy them.

    Rows that are a power of 2 apart compete for the same lines of a cache, and many rows for the entries of the TLB.
    """
    n_rows, batch = read.shape
    is_wide = batch > WIDEST // read.element_size()
    return is_wide and read.nbytes > BLOCK and links.n_links >= LEAST_READS * n_rows


def wide_tiles(batch: int, size: int) -> list[slice]:
    """Return the widest tiles that cover a batch, given the size of an activation in bytes.

    Examples
    --------
    >>> wide_tiles(200, 4)
    [slice(0, 128, None), slice(128, 200, None)]
    """
    step = WIDEST // size
    return [slice(first, min(first + step, batch)) for first in range(0, batch, step)]


@cache
def _tiles(batch: int, size: int) -> list[tuple[int, int, int]]:
    """Return the tiles that cover a batch: offset in bytes, vectors (0 for less than one), and activations.

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
    """Run a kernel over all neurons of a side, on several threads if the work (nanoseconds per link) is enough."""
    n_threads = torch.get_num_threads() if links.n_links * nanoseconds > LEAST else 1
    work.n_chunks = 1 if n_threads == 1 else CHUNKS * n_threads
    work.bounds = links.bounds(work.n_chunks)
    run_together(kernel, addressof(work), n_threads)
