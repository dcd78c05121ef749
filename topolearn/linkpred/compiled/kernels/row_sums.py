"""The innermost loop: the sum of some rows of a narrow table, held in SIMD registers.

Compilers would keep the running sum of a whole row in memory. Here, LLVM's vector types keep it in registers and add to
it with the widest instructions of the machine.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH = 32  # elements in a row of a table
_BYTES = 32  # of one vector


@intrinsic
def add_rows(typing: Any, table: Any, rows: Any, n_rows: Any, total: Any, zero: Any) -> Any:
    """Add some rows of a table of `WIDTH` columns to ``total[0:WIDTH]``.

    Parameters
    ----------
    table : uintp
        Address of a C-contiguous array of shape (any, WIDTH).
    rows : uintp
        Address of the int32 indices of the rows.
    n_rows : int64
        Number of rows.
    total : uintp
        Address of the sums.
    zero : float32, float64 or int16
        Any value of the table's type.
    """
    signature = types.void(types.uintp, types.uintp, types.int64, types.uintp, zero)
    size = zero.bitwidth // 8
    n_vectors = WIDTH * size // _BYTES

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        element = context.get_value_type(zero)
        vector = ir.VectorType(element, _BYTES // size)
        int64 = ir.IntType(64)
        add = builder.fadd if isinstance(zero, types.Float) else builder.add
        base, numbers, count, out, _zero = arguments
        numbers = builder.inttoptr(numbers, ir.IntType(32).as_pointer())

        def at(address: Any, i: int) -> Any:
            return builder.inttoptr(builder.add(address, ir.Constant(int64, i * _BYTES)), vector.as_pointer())

        def row(k: Any) -> list[Any]:
            number = builder.sext(builder.load(builder.gep(numbers, [k])), int64)
            start = builder.add(base, builder.mul(number, ir.Constant(int64, WIDTH * size)))
            return [builder.load(at(start, i), align=size) for i in range(n_vectors)]

        # Two rows at a time, since an addition has a longer latency than its loads.
        initial = [builder.load(at(out, i), align=size) for i in range(n_vectors)]
        before = builder.block
        head, pair, rest, single, done = (
            builder.append_basic_block(name) for name in ("head", "pair", "rest", "single", "done")
        )
        builder.branch(head)
        builder.position_at_end(head)
        k = builder.phi(int64)
        k.add_incoming(int64(0), before)
        sums = [builder.phi(vector) for _ in range(n_vectors)]
        builder.cbranch(builder.icmp_signed("<", builder.add(k, int64(1)), count), pair, rest)
        builder.position_at_end(pair)
        two = [add(x, y) for x, y in zip(row(k), row(builder.add(k, int64(1))), strict=True)]
        for each, start, more in zip(sums, initial, two, strict=True):
            each.add_incoming(start, before)
            each.add_incoming(add(each, more), pair)
        k.add_incoming(builder.add(k, int64(2)), pair)
        builder.branch(head)
        builder.position_at_end(rest)
        builder.cbranch(builder.icmp_signed("<", k, count), single, done)
        builder.position_at_end(single)
        last = [add(each, more) for each, more in zip(sums, row(k), strict=True)]
        builder.branch(done)
        builder.position_at_end(done)
        for i, (each, more) in enumerate(zip(sums, last, strict=True)):
            sums[i] = builder.phi(vector)
            sums[i].add_incoming(each, rest)
            sums[i].add_incoming(more, single)
        for i, each in enumerate(sums):
            builder.store(each, at(out, i), align=size)
        return context.get_dummy_value()

    return signature, generate
