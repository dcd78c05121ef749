"""The gradients of a sparse layer: of inputs and links in one pass over the links of each input neuron."""

from functools import cache
from typing import Any

import numpy as np
from numba import cfunc, njit, types
from numba.extending import intrinsic

from topolearn.sparse.kernels.memory import (
    ADDRESS,
    BOUNDS,
    N_PARTS,
    NEEDED,
    integer_at,
    integers_at,
    number_at,
    set_number,
    take_part,
)
from topolearn.sparse.kernels.vectors import (
    INT32,
    INT64,
    MASKED,
    Tile,
    ir,
    load_index,
    loop,
    multiply_add,
    pointer,
    splat,
    total,
    totals_of_four,
    zeros,
)
from topolearn.threads import Kernel


@intrinsic(prefer_literal=True)
def pass_links(
    typing: Any, x: Any, dy: Any, ends: Any, places: Any, values: Any, first: Any, last: Any, dx: Any, dvalues: Any,
    batch: Any, count: Any, threshold: Any, n_vectors: Any, need_dx: Any, accumulate: Any,
) -> Any:  # fmt: skip
    """Write one tile of the gradient of an input neuron, and what the tile gives to the gradients of its links.

    The gradient of the input is 0 where the input does not exceed the threshold: 0 behind a ReLU, NaN for none. Its sum
    over the tile is returned. With `accumulate`, the gradients of the links are added to those of the tiles before.
    """
    signature = threshold(
        ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, types.int64, types.int64, ADDRESS, ADDRESS, types.int64,
        types.int64, threshold, n_vectors, need_dx, accumulate,
    )  # fmt: skip

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        element = context.get_value_type(threshold)
        own, above, rows, spots, weights, begin, end, below, found, stride, live, least = arguments[:12]
        own, above, weights, below, found = (
            pointer(builder, each, element) for each in (own, above, weights, below, found)
        )
        rows, spots = pointer(builder, rows, INT32), pointer(builder, spots, INT32)
        tile = Tile(builder, element, n_vectors.literal_value, live)
        activations = [tile.load(own, i) for i in range(tile.n_vectors)]

        def pass_link(k: Any, sums: list[Any]) -> tuple[Any, Any, list[Any]]:
            """Return the link's place among the values, x * dy of its two neurons, and the sums with value * dy."""
            place = load_index(builder, spots, k)
            row = builder.gep(above, [builder.mul(load_index(builder, rows, k), stride)])
            weight = None
            if need_dx.literal_value:
                weight = splat(builder, builder.load(builder.gep(weights, [place])), tile.lanes)
            product, new = zeros(element), []
            for i in range(tile.n_vectors):
                gradient = tile.load(row, i)
                product = multiply_add(builder, activations[i], gradient, product)
                if weight is not None:
                    new.append(multiply_add(builder, weight, gradient, sums[i]))
            return place, product, new

        def write(places: list[Any], gradients: list[Any]) -> None:
            targets = [builder.gep(found, [place]) for place in places]
            if accumulate.literal_value:
                gradients = [builder.fadd(builder.load(t), g) for t, g in zip(targets, gradients, strict=True)]
            for target, gradient in zip(targets, gradients, strict=True):
                builder.store(gradient, target)

        def pass_four(k: Any, sums: list[Any]) -> list[Any]:
            places, products = [], []
            for i in range(4):
                place, product, sums = pass_link(builder.add(k, ir.Constant(INT64, i)), sums)
                places.append(place)
                products.append(product)
            write(places, totals_of_four(builder, products))
            return sums

        def pass_one(k: Any, sums: list[Any]) -> list[Any]:
            place, product, sums = pass_link(k, sums)
            write([place], [total(builder, product, element)])
            return sums

        sums = [zeros(element)] * tile.n_vectors if need_dx.literal_value else []
        fours = builder.add(begin, builder.and_(builder.sub(end, begin), ir.Constant(INT64, -4)))
        k, sums = loop(builder, begin, fours, 4, sums, pass_four)
        _, sums = loop(builder, k, end, 1, sums, pass_one)
        least = splat(builder, least, tile.lanes)
        whole = zeros(element)
        for i, each in enumerate(sums):
            gradient = builder.select(builder.fcmp_ordered("<=", activations[i], least), zeros(element), each)
            tile.store(gradient, below, i)
            whole = builder.fadd(whole, gradient)
        return total(builder, whole, element)

    return signature, generate


@intrinsic(prefer_literal=True)
def mask_row(typing: Any, y: Any, dy: Any, dz: Any, batch: Any, like: Any, relu: Any) -> Any:
    """Return the sum of dy over the batch; with `relu`, only where y is positive, and write these gradients to dz."""
    signature = like(ADDRESS, ADDRESS, ADDRESS, types.int64, like, relu)

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        element = context.get_value_type(like)
        outputs, above, below = (pointer(builder, each, element) for each in arguments[:3])
        size = arguments[3]
        whole = Tile(builder, element, 1, None)
        full = builder.and_(size, ir.Constant(INT64, -whole.lanes))

        def through(tile: Tile) -> Any:
            def body(k: Any, sums: list[Any]) -> list[Any]:
                gradient = tile.load(builder.gep(above, [k]), 0)
                if relu.literal_value:
                    dead = builder.fcmp_ordered("<=", tile.load(builder.gep(outputs, [k]), 0), zeros(element))
                    gradient = builder.select(dead, zeros(element), gradient)
                    tile.store(gradient, builder.gep(below, [k]), 0)
                return [builder.fadd(sums[0], gradient)]

            return body

        k, sums = loop(builder, ir.Constant(INT64, 0), full, whole.lanes, [zeros(element)], through(whole))
        rest = Tile(builder, element, MASKED, builder.sub(size, full))
        _, sums = loop(builder, k, size, whole.lanes, sums, through(rest))
        return total(builder, sums[0], element)

    return signature, generate


@cache
def backward_kernel(dtype: str, n_vectors: int, need_dx: int, accumulate: int) -> Kernel:
    """Return the kernel that computes one tile of the gradients of input neurons and of their links.

    With `need_dx`, it also gives the sum of each input neuron's gradients over the batch. See
    `topolearn.sparse.kernels.memory` for its work.
    """
    number, size = np.dtype(dtype).type, np.dtype(dtype).itemsize
    zero, none = number(0), number(np.nan)

    @cfunc(types.void(ADDRESS), cache=True, error_model="numpy")
    def backward(work):
        pointers, ends, places, values, x, dy, dx, dvalues, sums, batch, count, relu = integers_at(work, NEEDED, 12)
        n_parts, bounds, threshold = integer_at(work, N_PARTS), integer_at(work, BOUNDS), zero if relu else none
        part = take_part(work)
        while part < n_parts:
            for v in range(integer_at(bounds, part), integer_at(bounds, part + 1)):
                row = v * batch * size
                begin, end = integer_at(pointers, v), integer_at(pointers, v + 1)
                whole = pass_links(
                    x + row, dy, ends, places, values, begin, end, dx + row, dvalues, batch, count, threshold,
                    n_vectors, need_dx, accumulate,
                )  # fmt: skip
                if need_dx:
                    set_number(sums, v, number_at(sums, v, zero) + whole if accumulate else whole)
            part = take_part(work)

    return Kernel(backward)


@cache
def mask_kernel(dtype: str, relu: int) -> Any:
    """Return the kernel that masks the gradient of the output neurons first..last, and sums it for their biases."""
    size, zero = np.dtype(dtype).itemsize, np.dtype(dtype).type(0)

    @njit(nogil=True, cache=True, error_model="numpy")
    def mask(first, last, y, dy, dz, dbias, batch):
        for u in range(first, last):
            row = u * batch * size
            set_number(dbias, u, mask_row(y + row, dy + row, dz + row, batch, zero, relu))

    return mask
