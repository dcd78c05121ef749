"""The outputs of a sparse layer: for each output neuron, the sum over its links."""

from functools import cache
from typing import Any

import numpy as np
from numba import cfunc, types
from numba.extending import intrinsic

from topolearn.sparse.kernels.memory import (
    ADDRESS,
    BOUNDS,
    N_PARTS,
    NEEDED,
    integer_at,
    integers_at,
    number_at,
    take_part,
)
from topolearn.sparse.kernels.vectors import INT32, Tile, load_index, loop, multiply_add, pointer, splat
from topolearn.threads import Kernel


@intrinsic(prefer_literal=True)
def sum_links(
    typing: Any, x: Any, ends: Any, values: Any, first: Any, last: Any, y: Any, batch: Any, count: Any, bias: Any,
    floor: Any, n_vectors: Any,
) -> Any:  # fmt: skip
    """Write one tile of an output neuron: its bias and the links first..last; what is below the floor is raised to it.

    The floor is 0 for ReLU, and NaN for none, as nothing is below NaN.
    """
    signature = types.void(
        ADDRESS, ADDRESS, ADDRESS, types.int64, types.int64, ADDRESS, types.int64, types.int64, bias, bias, n_vectors
    )

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        element = context.get_value_type(bias)
        base, col, weights, begin, end, out, stride, live, start, least, _n = arguments
        base, weights, out = (pointer(builder, each, element) for each in (base, weights, out))
        col = pointer(builder, col, INT32)
        tile = Tile(builder, element, n_vectors.literal_value, live)

        def add_link(k: Any, sums: list[Any]) -> list[Any]:
            row = builder.gep(base, [builder.mul(load_index(builder, col, k), stride)])
            weight = splat(builder, builder.load(builder.gep(weights, [k])), tile.lanes)
            return [multiply_add(builder, weight, tile.load(row, i), each) for i, each in enumerate(sums)]

        _, sums = loop(builder, begin, end, 1, [splat(builder, start, tile.lanes)] * tile.n_vectors, add_link)
        least = splat(builder, least, tile.lanes)
        for i, each in enumerate(sums):
            tile.store(builder.select(builder.fcmp_ordered("<", each, least), least, each), out, i)
        return context.get_dummy_value()

    return signature, generate


@cache
def forward_kernel(dtype: str, n_vectors: int) -> Kernel:
    """Return the kernel of one tile of output neurons; `topolearn.sparse.kernels.memory` says what its work is."""
    number, size = np.dtype(dtype).type, np.dtype(dtype).itemsize
    zero, none = number(0), number(np.nan)

    @cfunc(types.void(ADDRESS), cache=True, error_model="numpy")
    def forward(work):
        pointers, ends, values, bias, x, y, batch, count, relu = integers_at(work, NEEDED, 9)
        n_parts, bounds, floor = integer_at(work, N_PARTS), integer_at(work, BOUNDS), zero if relu else none
        part = take_part(work)
        while part < n_parts:
            for u in range(integer_at(bounds, part), integer_at(bounds, part + 1)):
                start = number_at(bias, u, zero) if bias else zero
                begin, end, out = integer_at(pointers, u), integer_at(pointers, u + 1), y + u * batch * size
                sum_links(x, ends, values, begin, end, out, batch, count, start, floor, n_vectors)
            part = take_part(work)

    return Kernel(forward)
