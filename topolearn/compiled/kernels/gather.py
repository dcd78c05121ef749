r"""The examples of a batch, gathered and standardised; a transpose follows, since layers read feature-major inputs.

.. math:: x_{bf} = (d_{e_b f} - \mu) / \sigma

where e are the examples of the batch and d their features.
"""

from functools import cache

import numpy as np
from numba import types

from topolearn.compiling import cfunc
from topolearn.sparse.kernels.memory import ADDRESS, integer_at, number_at, set_number
from topolearn.sparse.kernels.work import Work, integers, reader, take_chunk
from topolearn.threads import Kernel


class GatherWork(Work):
    """The record of `gather_kernel`: chunks of the batch, addresses of the arrays of `gather_reference`, and sizes.

    ``step`` is the address of the number of the batch, ``moments`` that of mean and deviation in the dtype of rows.
    """

    _fields_ = integers("data", "order", "step", "moments", "rows", "batch", "n_features")


read_work = reader(GatherWork)


def gather_reference(
    data: np.ndarray, order: np.ndarray, step: int, batch: int, mean: float, deviation: float, dtype: str
) -> np.ndarray:
    """Return what `gather_kernel` writes, in plain numpy: rows of shape (batch, n_features).

    Examples
    --------
    >>> data = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.uint8)
    >>> gather_reference(data, np.array([2, 0, 1, 2]), 0, 2, mean=1.0, deviation=2.0, dtype="float32").tolist()
    [[2.0, 2.5], [0.0, 0.5]]
    """
    examples = order[step * batch : (step + 1) * batch]
    number = np.dtype(dtype).type
    return (data[examples].astype(dtype) - number(mean)) / number(deviation)


@cache
def gather_kernel(source: str, dtype: str) -> Kernel:
    """Return the kernel that writes standardised rows, shape (batch, n_features); it reads `GatherWork`."""
    like, zero = np.dtype(source).type(0), np.dtype(dtype).type(0)
    number = np.dtype(dtype).type

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def gather(address):
        work = read_work(address)
        mean, deviation = number_at(work.moments, 0, zero), number_at(work.moments, 1, zero)
        n, first_of_batch = work.n_features, integer_at(work.step, 0) * work.batch
        chunk = take_chunk(address)
        while chunk < work.n_chunks:
            for b in range(integer_at(work.bounds, chunk), integer_at(work.bounds, chunk + 1)):
                example = integer_at(work.order, first_of_batch + b)
                for f in range(n):
                    feature = number(number_at(work.data, example * n + f, like))
                    set_number(work.rows, b * n + f, (feature - mean) / deviation)
            chunk = take_chunk(address)

    return Kernel(gather)
