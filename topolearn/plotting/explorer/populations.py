"""The columns of a page: neurons that stand together, and which of them each layer joins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from topolearn.graph import BipartiteGraph, LayeredNetwork

MOST_NAMED = 2  # layers that a title names


@dataclass
class Population:
    """Neurons that stand in one column: the outputs of layers, the inputs of layers, or both at once.

    Attributes
    ----------
    n : int
        How many there are.
    names : sequence of str or None
    column : int
        How many layers lie before it, on the longest way.
    writers, readers : list of str
        Layers of which these are the outputs, and the inputs.
    """

    n: int
    names: Sequence[str] | None = None
    column: int = 0
    writers: list[str] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What its neurons are, in words.

        Examples
        --------
        >>> Population(3, writers=["fc1"], readers=["fc2"]).title, Population(3, readers=["fc1"]).title
        ('fc1 → fc2', 'inputs of fc1')
        """
        writers, readers = (_listed(names) for names in (self.writers, self.readers))
        if self.writers and self.readers:
            return f"{writers} → {readers}"
        side, names = ("outputs", writers) if self.writers else ("inputs", readers)
        return f"{side} of {names}" if names else side


def populations_of(
    network: LayeredNetwork, graphs: Mapping[str, BipartiteGraph]
) -> tuple[list[Population], dict[str, tuple[int, int]]]:
    """Return the populations of some layers of a network, and which two of them each layer joins: inputs, outputs.

    Neurons of a group stand in one column. A layer with fewer neurons than its group, whose heads several heads share,
    has a column of its own.

    Examples
    --------
    >>> import numpy as np
    >>> network = LayeredNetwork({"fc1": BipartiteGraph(np.eye(3)), "fc2": BipartiteGraph(np.eye(3))})
    >>> populations, ends = populations_of(network, network.graphs)
    >>> [population.title for population in populations], ends
    (['inputs of fc1', 'fc1 → fc2', 'outputs of fc2'], {'fc1': (0, 1), 'fc2': (1, 2)})
    """
    populations: list[Population] = []
    places: dict[object, int] = {}
    ends: dict[str, tuple[int, int]] = {}

    def place(key: object, n: int, names: Sequence[str] | None) -> int:
        if key not in places:
            places[key] = len(populations)
            populations.append(Population(n))
        population = populations[places[key]]
        population.names = population.names or names
        return places[key]

    for name, graph in graphs.items():
        sides = zip(network.neurons[name], graph.shape[::-1], (graph.input_names, graph.output_names), strict=True)
        source, target = (
            place(all_of.start if all_of.stop - all_of.start == n else (name, side), n, names)
            for side, (all_of, n, names) in enumerate(sides)
        )
        populations[source].readers.append(name)
        populations[target].writers.append(name)
        ends[name] = source, target
    for _ in graphs:  # as often as there are layers, which the longest way cannot exceed
        for source, target in ends.values():
            populations[target].column = max(populations[target].column, populations[source].column + 1)
    return populations, ends


def _listed(names: Sequence[str]) -> str:
    more = f" + {len(names) - MOST_NAMED}" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
