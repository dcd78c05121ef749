"""Assigning layers to the ranks that evolve them: layers that percolate together have one owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from topolearn.evolution.methods import Method
from topolearn.evolution.step.links import Targets
from topolearn.graph import NeuronGroup


@dataclass(frozen=True)
class Component:
    """Layers that must be evolved together.

    Attributes
    ----------
    owner : int
        The rank that evolves them.
    names : tuple of str
    groups : tuple of NeuronGroup
        How their neurons are connected.
    """

    owner: int
    names: tuple[str, ...]
    groups: tuple[NeuronGroup, ...]

    def of(self, targets: Targets) -> Targets:
        """Return the targets of these layers."""
        after, final = (
            {name: counts[name] for name in self.names if name in counts} for counts in (targets.after, targets.final)
        )
        return Targets(after, final, targets.decays, targets.pooled)


def components_of(names: Sequence[str], groups: Sequence[NeuronGroup], method: Method, n_ranks: int) -> list[Component]:
    """Return the components of a model's layers, assigned to the ranks round-robin.

    Layers belong together if they share a neuron group that the method uses for percolation or heads, or are ranked
    together as the density falls.

    Examples
    --------
    >>> from topolearn.evolution.methods import METHODS
    >>> group = NeuronGroup(("a",), ("c",))
    >>> [(each.owner, each.names) for each in components_of("abc", [group], METHODS["chts"], 2)]
    [(0, ('a', 'c')), (1, ('b',))]
    """
    groups = groups if method.percolation or method.per_head else ()
    leader = {name: name for name in names}
    sets = [tuple(names)] if method.is_pooled else [tuple(group.layers) for group in groups]
    for together in sets:
        known = [name for name in together if name in leader]
        merged = {leader[name] for name in known}
        for name in names:
            if leader[name] in merged:
                leader[name] = leader[known[0]]
    together_with: dict[str, list[str]] = {}
    for name in names:
        together_with.setdefault(leader[name], []).append(name)
    return [
        Component(i % n_ranks, tuple(members), tuple(g for g in groups if set(g.layers) & set(members)))
        for i, members in enumerate(together_with.values())
    ]


def owner_by_layer(components: Sequence[Component]) -> Mapping[str, int]:
    """Return the rank that owns each layer."""
    return {name: each.owner for each in components for name in each.names}
