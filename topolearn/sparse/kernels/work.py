"""The record that the threads of a kernel share, with the same field names in Python and in compiled code.

A kernel that several threads run takes one argument, the address of its record: the fields of `Work` and those that
the kernel adds. The neurons of a side are cut into chunks, and a thread that is free takes the next chunk.
"""

import ctypes
from collections import namedtuple
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from topolearn.sparse.kernels.memory import ADDRESS
from topolearn.sparse.kernels.vectors import INT64, pointer


def integers(*names: str) -> list[tuple[str, Any]]:
    """Return the fields of a record, each an int64."""
    return [(name, ctypes.c_int64) for name in names]


class Work(ctypes.Structure):
    """The first fields of each record: the next chunk to take, the number of chunks, and their bounds.

    Chunk c has the neurons from ``bounds[c]`` up to ``bounds[c + 1]``; the field is the address of these int64 numbers.
    """

    _fields_ = integers("next_chunk", "n_chunks", "bounds")


def reader(record: type[Work]) -> Any:
    """Return a function with which a kernel reads the record at an address into a named tuple, held in registers."""
    names = [field[0] for each in (Work, record) for field in each._fields_]
    kind = types.NamedUniTuple(types.int64, len(names), namedtuple(record.__name__, names))

    @intrinsic
    def read(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
            start = pointer(builder, arguments[0], INT64)
            fields = [builder.load(builder.gep(start, [ir.Constant(INT64, i)])) for i in range(len(names))]
            return context.make_tuple(builder, kind, fields)

        return kind(ADDRESS), generate

    return read


@intrinsic
def take_chunk(typing: Any, address: Any) -> Any:
    """Take the next chunk of the work at an address, which no other thread will get, and return its number."""

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        next_chunk = builder.add(arguments[0], ir.Constant(INT64, Work.next_chunk.offset))
        return builder.atomic_rmw("add", pointer(builder, next_chunk, INT64), ir.Constant(INT64, 1), "monotonic")

    return types.int64(ADDRESS), generate
