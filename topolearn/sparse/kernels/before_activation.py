r"""The gradient before an activation, and its sum over the batch, which is the gradient of the biases.

.. math:: dz_{ub} = dy_{ub} \, [y_{ub} > 0], \quad \partial L / \partial b_u = \sum_b dz_{ub}

for a ReLU; without one, dz is dy.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from topolearn.compiling import njit
from topolearn.sparse.kernels.memory import ADDRESS, set_number
from topolearn.sparse.kernels.vectors import INT64, MASKED, Tile, ir, loop, pointer, total, zeros


def mask_reference(y: np.ndarray, dy: np.ndarray, relu: bool) -> tuple[np.ndarray, np.ndarray]:
    r"""Return what `mask_kernel` writes, in plain numpy: dz and dbias, shape (n_out, batch) and (n_out,).

    :math:`dz = dy \, [y > 0]` with `relu`, else dz = dy; and :math:`db_u = \sum_b dz_{ub}`.

    Examples
    --------
    >>> [each.tolist() for each in mask_reference(np.array([[0.0, 2.0]]), np.array([[3.0, 4.0]]), relu=True)]
    [[[0.0, 4.0]], [4.0]]
    """
    dz = np.where(y <= 0, 0, dy) if relu else dy  # not y > 0: as in torch, NaN lets the gradient through
    return dz, dz.sum(axis=1)


@intrinsic(prefer_literal=True)
def mask_row(typing: Any, y_u: Any, dy_u: Any, dz_u: Any, batch: Any, like: Any, relu: Any) -> Any:
    """Return the sum of dy over the batch; with `relu`, write dy to dz where y is positive and sum that instead."""
    signature = like(ADDRESS, ADDRESS, ADDRESS, types.int64, like, relu)

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        y_u, dy_u, dz_u, batch, like, _relu = arguments
        element = like.type
        y_pointer, dy_pointer, dz_pointer = (pointer(builder, each, element) for each in (y_u, dy_u, dz_u))
        whole = Tile(builder, element, 1, None)
        full = builder.and_(batch, ir.Constant(INT64, -whole.lanes))

        def through(tile: Tile) -> Any:
            def body(k: Any, sums: list[Any]) -> list[Any]:
                gradient = tile.load(builder.gep(dy_pointer, [k]), 0)
                if relu.literal_value:
                    dead = builder.fcmp_ordered("<=", tile.load(builder.gep(y_pointer, [k]), 0), zeros(element))
                    gradient = builder.select(dead, zeros(element), gradient)
                    tile.store(gradient, builder.gep(dz_pointer, [k]), 0)
                return [builder.fadd(sums[0], gradient)]

            return body

        k, sums = loop(builder, ir.Constant(INT64, 0), full, whole.lanes, [zeros(element)], through(whole))
        rest = Tile(builder, element, MASKED, builder.sub(batch, full))
        _, sums = loop(builder, k, batch, whole.lanes, sums, through(rest))
        return total(builder, sums[0], element)

    return signature, generate


@cache
def mask_kernel(dtype: str, relu: int) -> Any:
    """Return the kernel that masks the gradient of the output neurons first..last and sums it for their biases."""
    size, zero = np.dtype(dtype).itemsize, np.dtype(dtype).type(0)

    @njit(nogil=True, error_model="numpy")
    def mask(first, last, y, dy, dz, dbias, batch):
        for u in range(first, last):
            offset = u * batch * size
            set_number(dbias, u, mask_row(y + offset, dy + offset, dz + offset, batch, zero, relu))

    return mask
