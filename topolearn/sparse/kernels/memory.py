"""Reading and writing the elements of an array at an address."""

from typing import Any

from numba import types
from numba.extending import intrinsic

from topolearn.sparse.kernels.vectors import INT64, pointer

ADDRESS = types.int64


@intrinsic
def number_at(typing: Any, address: Any, k: Any, like: Any) -> Any:
    """Return element k of the array at an address; its type is that of ``like``."""

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        base = pointer(builder, arguments[0], context.get_value_type(like))
        return builder.load(builder.gep(base, [arguments[1]]))

    return like(ADDRESS, types.int64, like), generate


@intrinsic
def integer_at(typing: Any, address: Any, k: Any) -> Any:
    """Return element k of the int64 array at an address."""

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
