"""Where the neurons of layers meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.registry import suggest

if TYPE_CHECKING:
    from topolearn.graph.bipartite import BipartiteGraph


@dataclass(frozen=True)
class NeuronGroup:
    """One population of hidden neurons: outputs of the layers that write to it, inputs of those that read it.

    Parameters
    ----------
    writers, readers : tuple of str
        Names of layers, one or more each.
    combine : {"any", "all"}
        How writers meet: "any" when they are summed (one link is enough to drive a neuron), "all" when they
        are multiplied, as q with k, or gate with up (each writer must have a link into it).

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When a side is not a sequence of names, is empty or repeats a name, or `combine` is another word.

    Examples
    --------
    >>> NeuronGroup(("gate", "up"), ("down",), combine="all").writers
    ('gate', 'up')
    """

    writers: tuple[str, ...]
    readers: tuple[str, ...]
    combine: Literal["any", "all"] = "any"

    def __post_init__(self) -> None:
        for side in ("writers", "readers"):
            names = getattr(self, side)
            if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
                raise InvalidTypeError(f"{side}={names!r}: pass a tuple of layer names")
            if not names or len(set(names)) < len(names):
                raise InvalidValueError(f"{side}={names!r}: pass 1 layer name or more, each once")
            object.__setattr__(self, side, tuple(names))
        if self.combine not in ("any", "all"):
            raise UnknownNameError(f"combine={self.combine!r}: {suggest(str(self.combine), ['any', 'all'])}")

    def __str__(self) -> str:
        return f"({', '.join(self.writers)} -> {', '.join(self.readers)})"


def chain(graphs: Mapping[str, BipartiteGraph]) -> tuple[NeuronGroup, ...]:
    """Return the groups of a chain: each layer writes to the next, of its size."""
    for (a, first), (b, second) in pairwise(graphs.items()):
        if first.n_out != second.n_in:
            raise InvalidValueError(
                f"layers {a!r} ({first.n_out} outputs) and {b!r} ({second.n_in} inputs) are no chain: "
                "pass groups= to say how layers meet, or groups=() where they do not"
            )
    return tuple(NeuronGroup((a,), (b,)) for a, b in pairwise(graphs))


def checked(groups: Sequence[NeuronGroup], graphs: Mapping[str, BipartiteGraph]) -> tuple[NeuronGroup, ...]:
    """Return groups that name known layers, each once a side, with equal numbers of neurons."""
    taken: dict[tuple[str, str], NeuronGroup] = {}
    for group in groups:
        if not isinstance(group, NeuronGroup):
            raise InvalidTypeError(f"group {group!r} is a {type(group).__name__}: pass NeuronGroup(writers, readers)")
        ends = [(name, "writes") for name in group.writers] + [(name, "reads") for name in group.readers]
        found = {}
        for name, verb in ends:
            if name not in graphs:
                raise UnknownNameError(f"group {group} names {name!r}: {suggest(name, list(graphs))}")
            if (name, verb) in taken:
                raise InvalidValueError(
                    f"layer {name!r} {verb} in {taken[name, verb]} and in {group}: join these groups"
                )
            taken[name, verb] = group
            found[f"{name} {verb}"] = graphs[name].n_out if verb == "writes" else graphs[name].n_in
        if len(set(found.values())) > 1:
            quoted = ", ".join(f"{end} {size}" for end, size in found.items())
            raise InvalidValueError(f"group {group} has neurons of different number: {quoted}; they must be equal")
    return tuple(groups)
