"""The columns of a page: populations of neurons, and which of them each layer connects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from topolearn.graph import BipartiteGraph, LayeredNetwork

MOST_NAMED = 2  # maximum number of layers in a title


@dataclass
class Population:
    """The neurons of one column: outputs of layers, inputs of layers, or both.

    Attributes
    ----------
    n : int
        The number of neurons.
    names : sequence of str or None
    column : int
        The number of layers before it, on the longest path.
    writers, readers : list of str
        The layers whose outputs, and whose inputs, these neurons are.
    """

    n: int
    names: Sequence[str] | None = None
    column: int = 0
    writers: list[str] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """A description of its neurons.

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
    """Return the populations of some layers of a network, and the indices of each layer's inputs and outputs.

    The neurons of a group form one column. A layer with fewer neurons than its group, because several heads share its
    heads, gets its own column.

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
    for _ in graphs:  # once per layer, since the longest path has at most that many layers
        for source, target in ends.values():
            populations[target].column = max(populations[target].column, populations[source].column + 1)
    return populations, ends


def _listed(names: Sequence[str]) -> str:
    more = f" + {len(names) - MOST_NAMED}" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
