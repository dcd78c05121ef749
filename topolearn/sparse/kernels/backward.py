r"""The gradients of a sparse layer: of inputs and links in one pass over the links of each input neuron.

.. math::
   \partial L / \partial x_{vb} = \sum_{k} w_{p_k} \, dz_{r_k b}, \quad
   \partial L / \partial w_{p_k} = \sum_b x_{vb} \, dz_{r_k b}

over the links :math:`\text{ccol}_v \le k < \text{ccol}_{v+1}` of input v: :math:`r_k` is the output neuron of a link,
:math:`p_k` its place among all values w, and dz the gradient of the outputs before their activation.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from topolearn.compiling import cfunc
from topolearn.sparse.kernels.memory import ADDRESS, integer_at, number_at, set_number
from topolearn.sparse.kernels.vectors import (
    INT32,
    INT64,
    Tile,
    fetch,
    ir,
    link_ahead,
    load_index,
    loop,
    multiply_add,
    pointer,
    splat,
    total,
    totals_of_four,
    zeros,
)
from topolearn.sparse.kernels.work import Work, integers, reader, take_chunk
from topolearn.threads import Kernel


class BackwardWork(Work):
    """The record of `backward_kernel`: addresses of the arrays of `backward_reference`, and numbers.

    ``x``, ``dz`` and ``dx`` point to the start of the tile in the first neuron; ``tile_size`` is the number of
    activations in the tile. The outputs are cut into ``n_blocks`` blocks, and ``ccol`` tells where the links of each
    input to each block begin; the rows of a block stay in a cache while all inputs read them.
    """

    _fields_ = integers(
        "ccol", "row", "places", "values", "x", "dz", "dx", "dbias", "dvalues", "n_links", "batch", "tile_size",
        "behind_relu", "n_blocks",
    )  # fmt: skip


read_work = reader(BackwardWork)


def backward_reference(
    ccol: np.ndarray, row: np.ndarray, places: np.ndarray, values: np.ndarray, x: np.ndarray, dz: np.ndarray,
    behind_relu: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    r"""Return what `backward_kernel` writes, in plain numpy.

    Parameters
    ----------
    ccol, row, places : array of int, shape (n_in + 1,), (n_links,) and (n_links,)
        Input v has links to the outputs ``row[ccol[v]:ccol[v + 1]]``, whose places among `values` are
        ``places[ccol[v]:ccol[v + 1]]``.
    values : array, shape (n_links,)
    x, dz : array, shape (n_in, batch) and (n_out, batch)
        The inputs, and the gradient of the outputs before their activation.
    behind_relu : bool
        Whether the inputs are the outputs of a ReLU; dx is then the gradient of the ReLU's inputs.

    Returns
    -------
    dx : array, shape (n_in, batch)
        :math:`dx_v = \sum_k w_{p_k} dz_{r_k}`.
    dbias : array, shape (n_in,)
        :math:`\sum_b dx_{vb}`, the gradient of biases that were added to the inputs.
    dvalues : array, shape (n_links,)
        :math:`dw_{p_k} = \sum_b x_{vb} \, dz_{r_k b}`.

    Examples
    --------
    >>> ccol, row, places = np.array([0, 2, 3]), np.array([0, 1, 0]), np.array([0, 2, 1])
    >>> x, dz, values = np.array([[3.0], [5.0]]), np.array([[10.0], [100.0]]), np.array([1.0, 2.0, 3.0])
    >>> [each.tolist() for each in backward_reference(ccol, row, places, values, x, dz, behind_relu=False)]
    [[[310.0], [20.0]], [310.0, 20.0], [30.0, 50.0, 300.0]]
    """
    dx, dvalues = np.zeros_like(x), np.zeros_like(values)
    for v in range(ccol.size - 1):
        for k in range(ccol[v], ccol[v + 1]):
            dx[v] += values[places[k]] * dz[row[k]]
            dvalues[places[k]] = x[v] @ dz[row[k]]
    if behind_relu:
        dx[x <= 0] = 0
    return dx, dx.sum(axis=1), dvalues


@intrinsic(prefer_literal=True)
def pass_links(
    typing: Any, row: Any, places: Any, values: Any, x_v: Any, dz: Any, dx_v: Any, dvalues: Any, first: Any, last: Any,
    n_links: Any, batch: Any, tile_size: Any, threshold: Any, resume: Any, n_vectors: Any, need_dx: Any,
    accumulate: Any, in_order: Any, ahead: Any,
) -> Any:  # fmt: skip
    """Write one tile of the gradient of an input neuron, and the tile's share of the gradients of its links.

    With `resume`, the gradient of the input is added to the tile as it is. It is 0 where the input does not exceed the
    threshold, which is 0 after a ReLU and NaN otherwise. Its sum over the tile is returned. With `accumulate`, the
    gradients of the links are added to those of earlier tiles. With `in_order`, the values are in the order of these
    links, and places are not read. Memory is prefetched for the link `ahead` places later, unless `ahead` is 0.
    """
    signature = threshold(
        ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, types.int64, types.int64, types.int64,
        types.int64, types.int64, threshold, resume, n_vectors, need_dx, accumulate, in_order, ahead,
    )  # fmt: skip

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        (row, places, values, x_v, dz, dx_v, dvalues, first, last, n_links, batch, tile_size, threshold, resume,
         *_) = arguments  # fmt: skip
        element = threshold.type
        values_pointer, x_pointer, dz_pointer, dx_pointer, dvalues_pointer = (
            pointer(builder, each, element) for each in (values, x_v, dz, dx_v, dvalues)
        )
        row_pointer, places_pointer = pointer(builder, row, INT32), pointer(builder, places, INT32)
        tile = Tile(builder, element, n_vectors.literal_value, tile_size)
        scattered = [dvalues_pointer] if not in_order.literal_value else []
        scattered += [values_pointer] if scattered and need_dx.literal_value else []
        x_tile = [tile.load(x_pointer, i) for i in range(tile.n_vectors)]

        def pass_link(k: Any, sums: list[Any]) -> tuple[Any, Any, list[Any]]:
            """Return the link's place among the values, x * dz of its two neurons, and the sums plus value * dz."""
            if ahead.literal_value:
                later = link_ahead(builder, k, ahead.literal_value, n_links)
                fetch(builder, dz_pointer, builder.mul(load_index(builder, row_pointer, later), batch), tile)
                for each in scattered:
                    fetch(builder, each, load_index(builder, places_pointer, later))
            place = k if in_order.literal_value else load_index(builder, places_pointer, k)
            dz_u = builder.gep(dz_pointer, [builder.mul(load_index(builder, row_pointer, k), batch)])
            value = None
            if need_dx.literal_value:
                value = splat(builder, builder.load(builder.gep(values_pointer, [place])), tile.lanes)
            product, more = zeros(element), []
            for i in range(tile.n_vectors):
                gradient = tile.load(dz_u, i)
                product = multiply_add(builder, x_tile[i], gradient, product)
                if value is not None:
                    more.append(multiply_add(builder, value, gradient, sums[i]))
            return place, product, more

        def write(link_places: list[Any], gradients: list[Any]) -> None:
            targets = [builder.gep(dvalues_pointer, [place]) for place in link_places]
            if accumulate.literal_value:
                gradients = [builder.fadd(builder.load(t), g) for t, g in zip(targets, gradients, strict=True)]
            for target, gradient in zip(targets, gradients, strict=True):
                builder.store(gradient, target)

        def pass_four(k: Any, sums: list[Any]) -> list[Any]:
            link_places, products = [], []
            for i in range(4):
                place, product, sums = pass_link(builder.add(k, ir.Constant(INT64, i)), sums)
                link_places.append(place)
                products.append(product)
            write(link_places, totals_of_four(builder, products))
            return sums

        def pass_one(k: Any, sums: list[Any]) -> list[Any]:
            place, product, sums = pass_link(k, sums)
            write([place], [total(builder, product, element)])
            return sums

        sums = [
            builder.select(resume, tile.load(dx_pointer, i), zeros(element))
            for i in range(tile.n_vectors if need_dx.literal_value else 0)
        ]
        fours = builder.add(first, builder.and_(builder.sub(last, first), ir.Constant(INT64, -4)))
        k, sums = loop(builder, first, fours, 4, sums, pass_four)
        _, sums = loop(builder, k, last, 1, sums, pass_one)
        thresholds = splat(builder, threshold, tile.lanes)
        dbias_v = zeros(element)
        for i, each in enumerate(sums):
            gradient = builder.select(builder.fcmp_ordered("<=", x_tile[i], thresholds), zeros(element), each)
            tile.store(gradient, dx_pointer, i)
            dbias_v = builder.fadd(dbias_v, gradient)
        return total(builder, dbias_v, element)

    return signature, generate


@cache
def backward_kernel(
    dtype: str, n_vectors: int, need_dx: int, accumulate: int, in_order: int = 0, ahead: int = 0
) -> Kernel:
    """Return the kernel of one tile of the gradients of input neurons and of their links; it reads `BackwardWork`.

    With `need_dx`, it also writes the sum of each input neuron's gradients over the batch. With `accumulate`, it adds
    the gradients of links, and these sums, to those of earlier tiles. With `in_order`, the values are in the order of
    the input neurons' links. `ahead` is as for `topolearn.sparse.kernels.forward.forward_kernel`.
    """
    number, size = np.dtype(dtype).type, np.dtype(dtype).itemsize
    zero, none = number(0), number(np.nan)

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def backward(address):
        work = read_work(address)
        threshold = zero if work.behind_relu else none
        chunk = take_chunk(address)
        while chunk < work.n_chunks:
            for block in range(work.n_blocks):
                is_last = block == work.n_blocks - 1
                for v in range(integer_at(work.bounds, chunk), integer_at(work.bounds, chunk + 1)):
                    begin, offset = v * work.n_blocks + block, v * work.batch * size
                    first, last = integer_at(work.ccol, begin), integer_at(work.ccol, begin + 1)
                    dbias_v = pass_links(
                        work.row, work.places, work.values, work.x + offset, work.dz, work.dx + offset, work.dvalues,
                        first, last, work.n_links, work.batch, work.tile_size, threshold if is_last else none,
                        block > 0, n_vectors, need_dx, accumulate, in_order, ahead,
                    )  # fmt: skip
                    if need_dx and is_last:
                        set_number(work.dbias, v, number_at(work.dbias, v, zero) + dbias_v if accumulate else dbias_v)
            chunk = take_chunk(address)

    return Kernel(backward)
