r"""The transpose of a dense matrix, :math:`y_{ji} = x_{ij}`."""

from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from topolearn.compiling import cfunc
from topolearn.sparse.kernels.memory import ADDRESS, integer_at, number_at, set_number
from topolearn.sparse.kernels.vectors import (
    INT64,
    VECTOR_BYTES,
    Tile,
    ir,
    joined,
    lanes_align,
    pointer,
    transposed_squares,
)
from topolearn.sparse.kernels.work import Work, integers, reader, take_chunk
from topolearn.threads import Kernel


class TransposeWork(Work):
    """The record of `transpose_kernel`: chunks of the columns of x (the rows of y), addresses, and the shape of x."""

    _fields_ = integers("x", "y", "n_rows", "n_columns")


read_work = reader(TransposeWork)


def transpose_reference(x: np.ndarray) -> np.ndarray:
    """Return what `transpose_kernel` writes, in plain numpy: a new array y with ``y[j, i] = x[i, j]``.

    Examples
    --------
    >>> transpose_reference(np.array([[1, 2, 3]])).tolist()
    [[1], [2], [3]]
    """
    return x.T.copy()


@intrinsic
def transpose_strip(typing: Any, x: Any, y: Any, x_width: Any, y_width: Any, like: Any) -> Any:
    """Write the transpose of a strip of as many rows as a vector has lanes, 16 bytes wide.

    The widths are those of the whole matrices. A vector holds 16 bytes from every few rows, so that numbers move within
    16 bytes only, where processors move them fastest; whole cache lines are written.
    """
    signature = types.void(ADDRESS, ADDRESS, types.int64, types.int64, like)

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        x, y, x_width, y_width, like = arguments
        element, tile = like.type, Tile(builder, like.type, 1, None)
        side = 16 // lanes_align(element)

        def row(address: Any, width: Any, i: int) -> Any:
            return builder.gep(pointer(builder, address, element), [builder.mul(width, ir.Constant(INT64, i))])

        def gathered(first: int) -> Any:
            """Return the strip's numbers in every ``side``-th row, from the first on."""
            kind = ir.VectorType(element, side).as_pointer()
            pieces = [
                builder.load(builder.bitcast(row(x, x_width, i), kind), align=lanes_align(element))
                for i in range(first, tile.lanes, side)
            ]
            return joined(builder, pieces)

        for j, column in enumerate(transposed_squares(builder, [gathered(i) for i in range(side)])):
            tile.store(column, row(y, y_width, j), 0)
        return context.get_dummy_value()

    return signature, generate


@cache
def transpose_kernel(dtype: str) -> Kernel:
    """Return the kernel that writes the transpose of x, shape (n_rows, n_columns), to y; it reads `TransposeWork`."""
    size, zero = np.dtype(dtype).itemsize, np.dtype(dtype).type(0)
    height, width = VECTOR_BYTES // size, 16 // size

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def transpose(address):
        work = read_work(address)
        n_rows, n_columns = work.n_rows, work.n_columns
        whole_rows = n_rows - n_rows % height
        chunk = take_chunk(address)
        while chunk < work.n_chunks:
            first, last = integer_at(work.bounds, chunk), integer_at(work.bounds, chunk + 1)
            whole = last - (last - first) % width
            for i in range(0, whole_rows, height):
                for j in range(first, whole, width):
                    start = work.x + (i * n_columns + j) * size
                    transpose_strip(start, work.y + (j * n_rows + i) * size, n_columns, n_rows, zero)
            for j in range(first, last):
                for i in range(whole_rows if j < whole else 0, n_rows):
                    set_number(work.y, j * n_rows + i, number_at(work.x, i * n_columns + j, zero))
            chunk = take_chunk(address)

    return Kernel(transpose)
