"""Running a tape: its kernels are called in order, step after step, without returning to Python."""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from topolearn.compiling import cfunc
from topolearn.sparse.kernels.memory import ADDRESS, integer_at, set_number
from topolearn.sparse.kernels.vectors import INT64
from topolearn.sparse.kernels.work import Work, integers
from topolearn.threads import Kernel


class TapeRecord(ctypes.Structure):
    """The record of `run_kernel`; every field is an int64.

    Attributes
    ----------
    step : int
        The number of the step in progress; kernels read it.
    first, last : int
        The first step to take, and the number after the last one.
    stopped : int
        A kernel sets this to 1 to end the run after the current step.
    n_kernels, kernels, works : int
        The number of kernels per step, and the addresses of two arrays: the addresses of the kernels and of their
        records.
    barrier : int
        The address of a C function in which threads wait for each other; 0 for one thread.
    """

    _fields_ = integers("step", "first", "last", "stopped", "n_kernels", "kernels", "works", "barrier")


PLACES = {name: i for i, (name, _) in enumerate(TapeRecord._fields_)}
STEP, FIRST, LAST, STOPPED = (PLACES[name] for name in ("step", "first", "last", "stopped"))
N_KERNELS, KERNELS, WORKS, BARRIER = (PLACES[name] for name in ("n_kernels", "kernels", "works", "barrier"))
NEXT_CHUNK = Work.next_chunk.offset // 8


@intrinsic
def call(typing: Any, function: Any, argument: Any) -> Any:
    """Call the C function at an address with an address as its argument."""

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [INT64])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1]])
        return context.get_dummy_value()

    return types.void(ADDRESS, ADDRESS), generate


@cache
def run_kernel() -> Kernel:
    """Return the kernel that runs a tape; it reads `TapeRecord`.

    Every thread goes through the whole tape and takes its chunks of each kernel's work. After a barrier, all threads
    write the same numbers; none passes the next barrier until all have written them.
    """

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def run(tape):
        n_kernels, barrier = integer_at(tape, N_KERNELS), integer_at(tape, BARRIER)
        kernels, works = integer_at(tape, KERNELS), integer_at(tape, WORKS)
        for step in range(integer_at(tape, FIRST), integer_at(tape, LAST)):
            set_number(tape, STEP, np.int64(step))
            for i in range(n_kernels):
                work = integer_at(works, i)
                call(integer_at(kernels, i), work)
                if barrier:
                    call(barrier, 0)
                set_number(work, NEXT_CHUNK, np.int64(0))
            if integer_at(tape, STOPPED):
                break

    return Kernel(run)
