r"""The transpose of a dense matrix, :math:`y_{ji} = x_{ij}`."""

from functools import cache
from typing import Any

import numpy as np
from numba import njit

from topolearn.sparse.kernels.memory import number_at, set_number

COLUMNS = 16  # at a time, so that each line of memory is read once


def transpose_reference(x: np.ndarray) -> np.ndarray:
    """Return what `transpose_kernel` writes, in plain numpy: y, with ``y[j, i] = x[i, j]``, in memory of its own.

    Examples
    --------
    >>> transpose_reference(np.array([[1, 2, 3]])).tolist()
    [[1], [2], [3]]
    """
    return x.T.copy()


@cache
def transpose_kernel(dtype: str) -> Any:
    """Return the kernel that writes the transpose of x to y; both are contiguous."""
    zero = np.dtype(dtype).type(0)

    @njit(nogil=True, cache=True, error_model="numpy")
    def transpose(x, y, n_rows, n_columns):
        for first in range(0, n_columns, COLUMNS):
            for j in range(first, min(first + COLUMNS, n_columns)):
                for i in range(n_rows):
                    set_number(y, j * n_rows + i, number_at(x, i * n_columns + j, zero))

    return transpose
