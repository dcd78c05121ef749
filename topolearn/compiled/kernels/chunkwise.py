"""Several kernels on the same chunk, one after another: what one writes is still in the cache for the next."""

from functools import cache

import numpy as np
from numba import types

from topolearn.compiled.kernels.run_tape import NEXT_CHUNK, call
from topolearn.compiling import cfunc
from topolearn.sparse.kernels.memory import ADDRESS, integer_at, set_number
from topolearn.sparse.kernels.work import Work, integers, reader, take_chunk
from topolearn.threads import Kernel


class ChunkwiseWork(Work):
    """The record of `chunkwise_kernel`: the addresses of its kernels, and of their records, chunk by chunk.

    Each kernel has a record for each chunk, which has that chunk only.
    """

    _fields_ = integers("n_kernels", "kernels", "works")


read_work = reader(ChunkwiseWork)


@cache
def chunkwise_kernel() -> Kernel:
    """Return the kernel that calls all kernels on one chunk after another; it reads `ChunkwiseWork`."""

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def chunkwise(address):
        own = read_work(address)
        chunk = take_chunk(address)
        while chunk < own.n_chunks:
            for i in range(own.n_kernels):
                work = integer_at(own.works, chunk * own.n_kernels + i)
                call(integer_at(own.kernels, i), work)
                set_number(work, NEXT_CHUNK, np.int64(0))
            chunk = take_chunk(address)

    return Kernel(chunkwise)
