"""The record that the threads of a kernel read and share, with names for what is in it on both sides.

A kernel that several threads run takes one address, that of its record: `Work`, and what the kernel needs besides. The
neurons of a side are cut into chunks, and whoever is free takes the next one.
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
    """Return fields of a record, each an int64."""
    return [(name, ctypes.c_int64) for name in names]


class Work(ctypes.Structure):
    """What each record begins with: the next chunk that nobody does yet, the number of chunks, and their bounds.

    Chunk c is the neurons from ``bounds[c]`` up to ``bounds[c + 1]``; the field is the address of these int64.
    """

    _fields_ = integers("next_chunk", "n_chunks", "bounds")


def reader(record: type[Work]) -> Any:
    """Return the function by which a kernel reads a record at an address: as a named tuple, held in registers."""
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
    """Return the number of the next chunk of the work at an address, which nobody else will do."""

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        next_chunk = builder.add(arguments[0], ir.Constant(INT64, Work.next_chunk.offset))
        return builder.atomic_rmw("add", pointer(builder, next_chunk, INT64), ir.Constant(INT64, 1), "monotonic")

    return types.int64(ADDRESS), generate
