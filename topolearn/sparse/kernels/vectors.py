"""Building blocks in LLVM's intermediate representation: vectors of activations, tiles of vectors, loops and sums.

Compilers keep the running sum of a whole row in memory; LLVM's vector types keep it in registers, on any machine.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

VECTOR_BYTES = 64  # one register with AVX-512, two with AVX2
MASKED = 0  # number of vectors of a tile that is smaller than one vector
INT32, INT64 = ir.IntType(32), ir.IntType(64)
FUSE = ("contract",)  # multiply and add in one instruction; NaN and infinity keep their meaning


def lanes_of(element: Any) -> int:
    """Return how many activations a vector holds."""
    return VECTOR_BYTES // (4 if isinstance(element, ir.FloatType) else 8)


def vector_of(element: Any) -> Any:
    """Return the type of a vector."""
    return ir.VectorType(element, lanes_of(element))


def zeros(element: Any) -> Any:
    """Return a vector of zeros."""
    return ir.Constant(vector_of(element), [0.0] * lanes_of(element))


def splat(builder: Any, scalar: Any, lanes: int) -> Any:
    """Return a vector that repeats a scalar."""
    vector = ir.VectorType(scalar.type, lanes)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(INT32, 0))
    return shuffle(builder, first, first, [0] * lanes)


def shuffle(builder: Any, x: Any, y: Any, order: Sequence[int]) -> Any:
    """Return selected lanes of two vectors; lane numbers of the second continue those of the first."""
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(INT32, len(order)), list(order)))


def joined(builder: Any, vectors: Sequence[Any]) -> Any:
    """Return the lanes of all vectors in one vector; the number of vectors is a power of 2."""
    pieces = list(vectors)
    while len(pieces) > 1:
        both = list(range(2 * pieces[0].type.count))
        pieces = [shuffle(builder, x, y, both) for x, y in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


def multiply_add(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Return ``x * y + z``."""
    return builder.fadd(builder.fmul(x, y, flags=FUSE), z, flags=FUSE)


def pointer(builder: Any, address: Any, element: Any) -> Any:
    """Return an address as a pointer to elements."""
    return builder.inttoptr(address, element.as_pointer())


def load_index(builder: Any, base: Any, k: Any) -> Any:
    """Return ``base[k]``, an int32, as an int64."""
    return builder.sext(builder.load(builder.gep(base, [k])), INT64)


def fetch(builder: Any, base: Any, index: Any, tile: Any = None) -> None:
    """Prefetch the memory at ``base[index]``, or the tile that begins there."""
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, INT32, INT32, INT32])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    read, keep, data = ir.Constant(INT32, 0), ir.Constant(INT32, 3), ir.Constant(INT32, 1)
    for i in range(tile.n_vectors if tile else 1):
        place = builder.gep(base, [builder.add(index, ir.Constant(INT64, i * tile.lanes))] if i else [index])
        builder.call(prefetch, [builder.bitcast(place, byte), read, keep, data])


def link_ahead(builder: Any, k: Any, ahead: int, n_links: Any) -> Any:
    """Return the number of the link ``ahead`` places after link k, or of the last link."""
    later, last = builder.add(k, ir.Constant(INT64, ahead)), builder.sub(n_links, ir.Constant(INT64, 1))
    return builder.select(builder.icmp_signed("<", later, last), later, last)


class Tile:
    """Consecutive activations of a neuron: ``n_vectors`` whole vectors, or the first ``tile_size`` lanes of one."""

    def __init__(self, builder: Any, element: Any, n_vectors: int, tile_size: Any) -> None:
        self.builder, self.element, self.n_vectors, self.mask = builder, element, max(n_vectors, 1), None
        self.lanes = lanes_of(element)
        if n_vectors == MASKED:
            lane = ir.Constant(ir.VectorType(INT32, self.lanes), list(range(self.lanes)))
            self.mask = builder.icmp_signed("<", lane, splat(builder, builder.trunc(tile_size, INT32), self.lanes))

    def load(self, base: Any, i: int) -> Any:
        """Return vector i of the tile that begins at a pointer."""
        start = self._at(base, i)
        align = lanes_align(self.element)
        if self.mask is None:
            return self.builder.load(start, align=align)
        arguments = [start, ir.Constant(INT32, align), self.mask, zeros(self.element)]
        return self._call("load", zeros(self.element).type, arguments)

    def store(self, vector: Any, base: Any, i: int) -> None:
        """Write vector i of the tile that begins at a pointer."""
        start = self._at(base, i)
        align = lanes_align(self.element)
        if self.mask is None:
            self.builder.store(vector, start, align=align)
        else:
            self._call("store", ir.VoidType(), [vector, start, ir.Constant(INT32, align), self.mask])

    def _at(self, base: Any, i: int) -> Any:
        start = self.builder.gep(base, [ir.Constant(INT64, self.lanes * i)])
        return self.builder.bitcast(start, vector_of(self.element).as_pointer())

    def _call(self, name: str, result: Any, arguments: list[Any]) -> Any:
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        name = f"llvm.masked.{name}.{_suffix(self.element, self.lanes)}.p0"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), arguments)


def lanes_align(element: Any) -> int:
    """Return the alignment of a vector in bytes, that of one element, since rows of activations may start anywhere."""
    return VECTOR_BYTES // lanes_of(element)


def loop(
    builder: Any, begin: Any, end: Any, step: int, carried: list[Any], body: Callable[[Any, list[Any]], list[Any]]
) -> tuple[Any, list[Any]]:
    """Build ``for k in range(begin, end, step): carried = body(k, carried)``; return the final k and carried values."""
    before = builder.block
    head, inside, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
    builder.branch(head)
    builder.position_at_end(head)
    k, state = builder.phi(INT64), [builder.phi(each.type) for each in carried]
    k.add_incoming(begin, before)
    for phi, each in zip(state, carried, strict=True):
        phi.add_incoming(each, before)
    builder.cbranch(builder.icmp_signed("<", k, end), inside, done)
    builder.position_at_end(inside)
    new = body(k, state)
    k.add_incoming(builder.add(k, ir.Constant(INT64, step)), builder.block)
    for phi, each in zip(state, new, strict=True):
        phi.add_incoming(each, builder.block)
    builder.branch(head)
    builder.position_at_end(done)
    return k, state


def total(builder: Any, vector: Any, element: Any) -> Any:
    """Return the sum of the lanes of a vector."""
    kind = ir.FunctionType(element, [element, vector.type])
    name = f"llvm.vector.reduce.fadd.{_suffix(element, vector.type.count)}"
    reduce = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(reduce, [ir.Constant(element, -0.0), vector], fastmath=("reassoc",))


def totals_of_four(builder: Any, vectors: Sequence[Any]) -> list[Any]:
    """Return the lane sums of four vectors at once, by transposing groups of four lanes and adding them."""
    lanes = vectors[0].type.count
    groups = range(0, lanes, 4)

    def interleave(x: Any, y: Any, first: int) -> Any:
        order = [lane for g in groups for lane in (g + first, lanes + g + first, g + first + 1, lanes + g + first + 1)]
        return shuffle(builder, x, y, order)

    def halves(x: Any, y: Any, first: int) -> Any:
        order = [lane for g in groups for lane in (g + first, g + first + 1, lanes + g + first, lanes + g + first + 1)]
        return shuffle(builder, x, y, order)

    a, b, c, d = vectors
    low = builder.fadd(interleave(a, b, 0), interleave(a, b, 2))
    high = builder.fadd(interleave(c, d, 0), interleave(c, d, 2))
    sums = builder.fadd(halves(low, high, 0), halves(low, high, 2))
    while sums.type.count > 4:
        half = sums.type.count // 2
        first, second = list(range(half)), list(range(half, 2 * half))
        sums = builder.fadd(shuffle(builder, sums, sums, first), shuffle(builder, sums, sums, second))
    return [builder.extract_element(sums, ir.Constant(INT32, i)) for i in range(4)]


def transposed_squares(builder: Any, rows: Sequence[Any]) -> list[Any]:
    """Return the columns of squares that lie side by side in the vectors; a square is ``len(rows)`` lanes wide.

    The lanes of vectors half a square apart are interleaved repeatedly; each round swaps one bit of the lane number
    with one bit of the vector number.
    """
    lanes, side, columns = rows[0].type.count, len(rows), list(rows)
    half = side // 2
    orders = [
        [lane for square in range(first, lanes, side) for i in range(square, square + half) for lane in (i, lanes + i)]
        for first in (0, half)
    ]
    for _ in range(side.bit_length() - 1):
        pairs = zip(columns[:half], columns[half:], strict=True)
        columns = [shuffle(builder, x, y, order) for x, y in pairs for order in orders]
    return columns


def _suffix(element: Any, lanes: int) -> str:
    return f"v{lanes}f{8 * lanes_align(element)}"
