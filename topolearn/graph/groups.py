"""Neuron groups: where the neurons of layers meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Literal, TypeVar

from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.registry import suggest

Shapes = Mapping[str, tuple[int, int]]  # (n_out, n_in) of each layer, as the adjacency and the weight have it
Numbers = TypeVar("Numbers")  # integers, or an array or tensor of them

COMBINE = ("any", "all")
ROTARY = ("halves", "neighbours")


@dataclass(frozen=True)
class NeuronGroup:
    """One population of hidden neurons: outputs of the layers that write to it, inputs of those that read it.

    Parameters
    ----------
    writers, readers : tuple of str
        Names of layers, each once. A group without readers needs at least two writers that are multiplied, such as
        queries and keys: attention scores use their products, but no layer reads them.
    combine : {"any", "all"}
        How writers combine: "any" if they are summed (one link is enough to drive a neuron), "all" if they are
        multiplied, such as q with k or gate with up (every writer must have a link into the neuron).
    heads : int
        Number of attention heads of the population. A layer may have fewer heads of the same width, each of which
        serves several adjacent heads of the population (grouped-query attention).
    rotary : {None, "halves", "neighbours"}
        Which coordinates of a head rotary positions rotate into each other: i and i + width / 2, or 2 i and 2 i + 1.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When `writers` or `readers` is not a sequence of unique names, there is no writer, or another value is invalid.

    Examples
    --------
    >>> NeuronGroup(("gate", "up"), ("down",), combine="all").writers
    ('gate', 'up')
    """

    writers: tuple[str, ...]
    readers: tuple[str, ...]
    combine: Literal["any", "all"] = "any"
    heads: int = 1
    rotary: Literal["halves", "neighbours"] | None = None

    def __post_init__(self) -> None:
        for side in ("writers", "readers"):
            names = getattr(self, side)
            if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
                raise InvalidTypeError(f"{side}={names!r}: pass a tuple of layer names")
            if len(set(names)) < len(names):
                raise InvalidValueError(f"{side}={names!r}: pass each layer name once")
            object.__setattr__(self, side, tuple(names))
        if self.combine not in COMBINE:
            raise UnknownNameError(f"combine={self.combine!r}: {suggest(str(self.combine), list(COMBINE))}")
        if self.rotary not in (None, *ROTARY):
            raise UnknownNameError(f"rotary={self.rotary!r}: {suggest(str(self.rotary), list(ROTARY))}")
        if not isinstance(self.heads, int) or isinstance(self.heads, bool) or self.heads < 1:
            raise InvalidValueError(f"heads={self.heads!r}: pass the number of attention heads, at least 1")
        if not self.writers:
            raise InvalidValueError("writers=(): pass at least 1 layer name")
        if not self.readers and (self.combine == "any" or len(self.writers) < 2):
            raise InvalidValueError(
                f"readers=(): nothing would read the neurons that {', '.join(self.writers)} writes to; a group without "
                "readers needs at least two writers and combine='all'"
            )

    def __str__(self) -> str:
        return f"({', '.join(self.writers)} -> {', '.join(self.readers)})"

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers, writers first."""
        return self.writers + self.readers

    def n_neurons(self, shapes: Shapes) -> int:
        """Return the number of neurons of the population, from the shapes (n_out, n_in) of the layers.

        Examples
        --------
        Two heads of keys, three neurons each, serve four heads of queries:

        >>> NeuronGroup(("q", "k"), (), "all", heads=4).n_neurons({"q": (12, 8), "k": (6, 8)})
        12
        """
        return max(self._sizes(shapes).values())

    def own_neuron(self, neuron: Numbers, n: int, size: int) -> Numbers:
        """Return which of the n neurons of a layer corresponds to a neuron of a population of the given size.

        Examples
        --------
        >>> import numpy as np
        >>> NeuronGroup(("q", "k"), (), "all", heads=4).own_neuron(np.arange(12), 6, 12)
        array([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])
        """
        if n == size:
            return neuron
        width = size // self.heads
        return neuron // (width * (size // n)) * width + neuron % width  # type: ignore[operator, return-value]

    def _sizes(self, shapes: Shapes) -> dict[str, int]:
        writes = {f"{name} writes": shapes[name][0] for name in self.writers}
        return writes | {f"{name} reads": shapes[name][1] for name in self.readers}

    def check(self, shapes: Shapes) -> None:
        """Raise an error if the numbers of neurons of the layers do not match.

        Raises
        ------
        InvalidValueError
        """
        sizes, size = self._sizes(shapes), self.n_neurons(shapes)
        quoted = ", ".join(f"{end} {n}" for end, n in sizes.items())
        if self.heads == 1 and len(set(sizes.values())) > 1:
            raise InvalidValueError(f"group {self} has different numbers of neurons: {quoted}; they must be equal")
        if size % self.heads:
            raise InvalidValueError(
                f"group {self}: {size} neurons cannot be split into {self.heads} heads of equal width ({quoted})"
            )
        width = size // self.heads
        if self.rotary and width % 2:
            raise InvalidValueError(
                f"group {self}: rotary positions need an even number of coordinates per head, not {width}"
            )
        for end, n in sizes.items():
            if n % width or self.heads % (n // width):
                raise InvalidValueError(
                    f"group {self}: {end} {n} neurons, or {n / width:g} heads of width {width}, which does not divide "
                    f"{self.heads} heads"
                )


def chain(shapes: Shapes) -> tuple[NeuronGroup, ...]:
    """Return the groups of a chain of layers, in which each writes to the next."""
    for (a, (n_out, _)), (b, (_, n_in)) in pairwise(shapes.items()):
        if n_out != n_in:
            raise InvalidValueError(
                f"layers {a!r} ({n_out} outputs) and {b!r} ({n_in} inputs) do not form a chain: "
                "pass groups= to define how layers meet, or groups=() if they do not"
            )
    return tuple(NeuronGroup((a,), (b,)) for a, b in pairwise(shapes))


def validated_groups(groups: Iterable[NeuronGroup], shapes: Shapes) -> tuple[NeuronGroup, ...]:
    """Return groups after checking that layers are known, used once per side, match in size, and form no cycle.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When `groups` is not an iterable of groups, or one of them does not fit the layers or the other groups.
    """
    if isinstance(groups, str) or not isinstance(groups, Iterable):
        raise InvalidTypeError(f"groups={groups!r} is a {type(groups).__name__}: pass a list of NeuronGroup")
    groups = tuple(groups)  # an iterator can be read only once
    taken: dict[tuple[str, str], NeuronGroup] = {}
    for group in groups:
        if not isinstance(group, NeuronGroup):
            raise InvalidTypeError(f"group {group!r} is a {type(group).__name__}: pass NeuronGroup(writers, readers)")
        for name, verb in [(name, "writes") for name in group.writers] + [(name, "reads") for name in group.readers]:
            if name not in shapes:
                raise UnknownNameError(f"group {group} names {name!r}: {suggest(name, list(shapes))}")
            if (name, verb) in taken:
                raise InvalidValueError(
                    f"layer {name!r} {verb} in {taken[name, verb]} and in {group}: merge these groups"
                )
            taken[name, verb] = group
        group.check(shapes)
    _reject_cycles(groups)
    return groups


def _reject_cycles(groups: Sequence[NeuronGroup]) -> None:
    """Reject layers that write, possibly through others, to the neurons that they read."""
    after: dict[str, set[str]] = {}
    for group in groups:
        for reader in group.readers:
            after.setdefault(reader, set()).update(group.writers)
    try:
        TopologicalSorter(after).prepare()
    except CycleError as error:
        layers = ", ".join(dict.fromkeys(error.args[1]))
        raise InvalidValueError(
            f"the layers {layers} form a cycle, so paths through them never end: leave the layer that closes it out of "
            "the groups"
        ) from None
