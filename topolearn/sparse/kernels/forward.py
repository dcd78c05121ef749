r"""The outputs of a sparse layer: for each output neuron, the sum over its links.

.. math:: y_{ub} = f\Big(b_u + \sum_{k = \text{crow}_u}^{\text{crow}_{u+1} - 1} w_k \, x_{\text{col}_k b}\Big)

where w are the values of the links and f is the ReLU or the identity.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from topolearn.compiling import cfunc
from topolearn.sparse.kernels.memory import ADDRESS, integer_at, number_at
from topolearn.sparse.kernels.vectors import (
    INT32,
    Tile,
    fetch,
    link_ahead,
    load_index,
    loop,
    multiply_add,
    pointer,
    splat,
)
from topolearn.sparse.kernels.work import Work, integers, reader, take_chunk
from topolearn.threads import Kernel


class ForwardWork(Work):
    """The record of `forward_kernel`: addresses of the arrays of `forward_reference`, and numbers.

    ``x`` and ``y`` point to the start of the tile in the first neuron, ``bias`` is 0 for none, and ``tile_size`` is the
    number of activations in the tile. ``places`` gives each link's place among the values, where the values are in
    another order than the links. The inputs are cut into ``n_blocks`` blocks, and ``crow`` tells where the links of
    each output to each block begin; the rows of a block stay in a cache while all outputs read them.
    """

    _fields_ = integers(
        "crow", "col", "places", "values", "bias", "x", "y", "n_links", "batch", "tile_size", "relu", "n_blocks"
    )


read_work = reader(ForwardWork)


def forward_reference(
    crow: np.ndarray, col: np.ndarray, values: np.ndarray, bias: np.ndarray | None, x: np.ndarray, relu: bool
) -> np.ndarray:
    r"""Return what `forward_kernel` writes, in plain numpy: :math:`y_u = f(b_u + \sum_k w_k \, x_{\text{col}_k})`.

    Parameters
    ----------
    crow, col : array of int, shape (n_out + 1,) and (n_links,)
        Output u has links from the inputs ``col[crow[u]:crow[u + 1]]``.
    values : array, shape (n_links,)
    bias : array, shape (n_out,), optional
    x : array, shape (n_in, batch)
    relu : bool

    Returns
    -------
    array, shape (n_out, batch)

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [-4.0]])
    >>> forward_reference(np.array([0, 2, 3]), np.array([0, 1, 2]), np.ones(3), None, x, relu=True).tolist()
    [[3.0], [0.0]]
    """
    y = np.zeros((crow.size - 1, x.shape[1]), x.dtype)
    for u in range(crow.size - 1):
        for k in range(crow[u], crow[u + 1]):
            y[u] += values[k] * x[col[k]]
    if bias is not None:
        y += bias[:, None]
    return np.maximum(y, 0) if relu else y


@intrinsic(prefer_literal=True)
def sum_links(
    typing: Any, col: Any, places: Any, values: Any, bias_u: Any, x: Any, y_u: Any, first: Any, last: Any,
    n_links: Any, batch: Any, tile_size: Any, floor: Any, resume: Any, n_vectors: Any, placed: Any, ahead: Any,
) -> Any:  # fmt: skip
    """Write one tile of an output neuron: its bias plus the links first..last, raised to the floor where it is less.

    With `resume`, the links are added to the tile as it is, instead of the bias. The floor is 0 for ReLU, and NaN for
    none, since nothing is below NaN. With `placed`, the value of link k is at ``places[k]``, otherwise at k. Memory is
    prefetched for the link `ahead` places later, unless `ahead` is 0.
    """
    signature = types.void(
        ADDRESS, ADDRESS, ADDRESS, bias_u, ADDRESS, ADDRESS, types.int64, types.int64, types.int64, types.int64,
        types.int64, floor, resume, n_vectors, placed, ahead,
    )  # fmt: skip

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        col, places, values, bias_u, x, y_u, first, last, n_links, batch, tile_size, floor, resume, *_ = arguments
        element = bias_u.type
        values_pointer, x_pointer, y_pointer = (pointer(builder, each, element) for each in (values, x, y_u))
        col_pointer, places_pointer = pointer(builder, col, INT32), pointer(builder, places, INT32)
        tile = Tile(builder, element, n_vectors.literal_value, tile_size)

        def ask_for_later(k: Any) -> None:
            later = link_ahead(builder, k, ahead.literal_value, n_links)
            fetch(builder, x_pointer, builder.mul(load_index(builder, col_pointer, later), batch), tile)
            if placed.literal_value:
                fetch(builder, values_pointer, load_index(builder, places_pointer, later))

        def add_link(k: Any, sums: list[Any]) -> list[Any]:
            if ahead.literal_value:
                ask_for_later(k)
            x_v = builder.gep(x_pointer, [builder.mul(load_index(builder, col_pointer, k), batch)])
            place = load_index(builder, places_pointer, k) if placed.literal_value else k
            value = splat(builder, builder.load(builder.gep(values_pointer, [place])), tile.lanes)
            return [multiply_add(builder, value, tile.load(x_v, i), each) for i, each in enumerate(sums)]

        bias = splat(builder, bias_u, tile.lanes)
        begin = [builder.select(resume, tile.load(y_pointer, i), bias) for i in range(tile.n_vectors)]
        _, sums = loop(builder, first, last, 1, begin, add_link)
        floors = splat(builder, floor, tile.lanes)
        for i, each in enumerate(sums):
            tile.store(builder.select(builder.fcmp_ordered("<", each, floors), floors, each), y_pointer, i)
        return context.get_dummy_value()

    return signature, generate


@cache
def forward_kernel(dtype: str, n_vectors: int, placed: int = 0, ahead: int = 0) -> Kernel:
    """Return the kernel of one tile of output neurons; it reads `ForwardWork`.

    With `placed`, it uses the places of the record. It prefetches `ahead` links ahead, for layers whose activations do
    not fit into a cache.
    """
    number, size = np.dtype(dtype).type, np.dtype(dtype).itemsize
    zero, none = number(0), number(np.nan)

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def forward(address):
        work = read_work(address)
        floor = zero if work.relu else none
        chunk = take_chunk(address)
        while chunk < work.n_chunks:
            for block in range(work.n_blocks):
                block_floor = floor if block == work.n_blocks - 1 else none
                for u in range(integer_at(work.bounds, chunk), integer_at(work.bounds, chunk + 1)):
                    begin = u * work.n_blocks + block
                    first, last = integer_at(work.crow, begin), integer_at(work.crow, begin + 1)
                    bias_u = number_at(work.bias, u, zero) if work.bias else zero
                    y_u = work.y + u * work.batch * size
                    sum_links(
                        work.col, work.places, work.values, bias_u, work.x, y_u, first, last, work.n_links, work.batch,
                        work.tile_size, block_floor, block > 0, n_vectors, placed, ahead,
                    )  # fmt: skip
            chunk = take_chunk(address)

    return Kernel(forward)
