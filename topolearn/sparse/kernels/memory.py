"""Reading and writing memory at an address, and the list of work that the threads of a kernel share.

A kernel that several threads run takes one address: that of a list of int64 that begins with the next part that nobody
does yet, the number of parts, and the address of their bounds, ``n_parts + 1`` rows. What the kernel needs follows.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from topolearn.sparse.kernels.vectors import INT64, pointer

ADDRESS = types.int64
NEXT, N_PARTS, BOUNDS, NEEDED = range(4)


@intrinsic
def take_part(typing: Any, work: Any) -> Any:
    """Return the number of the next part of the work, which nobody else will do."""

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", pointer(builder, arguments[0], INT64), ir.Constant(INT64, 1), "monotonic")

    return types.int64(ADDRESS), generate


@intrinsic
def number_at(typing: Any, address: Any, k: Any, like: Any) -> Any:
    """Return element k of the array at an address, of the type of the last argument."""

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        base = pointer(builder, arguments[0], context.get_value_type(like))
        return builder.load(builder.gep(base, [arguments[1]]))

    return like(ADDRESS, types.int64, like), generate


@intrinsic
def integer_at(typing: Any, address: Any, k: Any) -> Any:
    """Return element k of the array of int64 at an address."""

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        return builder.load(builder.gep(pointer(builder, arguments[0], INT64), [arguments[1]]))

    return types.int64(ADDRESS, types.int64), generate


@intrinsic
def set_number(typing: Any, address: Any, k: Any, number: Any) -> Any:
    """Write a number to element k of the array at an address."""

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        base = pointer(builder, arguments[0], context.get_value_type(number))
        builder.store(arguments[2], builder.gep(base, [arguments[1]]))
        return context.get_dummy_value()

    return types.void(ADDRESS, types.int64, number), generate


@intrinsic(prefer_literal=True)
def integers_at(typing: Any, address: Any, first: Any, n: Any) -> Any:
    """Return n elements, from the first one on, of the array of int64 at an address, as a tuple."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        base = pointer(builder, arguments[0], INT64)
        places = (ir.Constant(INT64, first.literal_value + i) for i in range(n.literal_value))
        found = [builder.load(builder.gep(base, [place])) for place in places]
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(types.int64, n.literal_value)(ADDRESS, first, n), generate
