"""The content of a page: populations of neurons, and the links of layers between them in a number of states."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork
from topolearn.plotting.explorer.limits import check_size
from topolearn.plotting.explorer.lives import Lives, lives_through, packed
from topolearn.plotting.explorer.populations import Population, populations_of

FEWER = "explore a subgraph, such as network['NAME'] of a network, or a graph of the links of interest: "
LAYER_CURE = f"{FEWER}BipartiteGraph.from_cells(graph.cells[chosen], graph.n_in, graph.n_out)"
NODES_CURE = f"{FEWER}Graph.from_cells(graph.cells[chosen], graph.n_nodes)"


@dataclass(frozen=True)
class SceneLayer:
    """The links of a layer through all states.

    Attributes
    ----------
    name : str
    source, target : int
        The indices of the populations of its inputs and its outputs.
    lives : Lives
    weights : array of float, shape (n,), optional
        The weight of each life; NaN if it is unknown.
    """

    name: str
    source: int
    target: int
    lives: Lives
    weights: NDArray[np.float32] | None = None

    def data(self) -> dict[str, Any]:
        """Return the layer as JSON values."""
        weights = None if self.weights is None else packed([self.weights.astype("<f4").view("<u4")])
        ends = {"source": self.source, "target": self.target, "n_in": self.lives.n_in}
        return {"name": self.name, **ends, "lives": self.lives.packed(), "weights": weights}


@dataclass(frozen=True)
class Scene:
    """The complete content of a page.

    Attributes
    ----------
    title, summary : str
        The headline, and a sentence below it.
    populations : sequence of Population
    layers : sequence of SceneLayer
    steps : sequence of int
        The training step of each state; a single one for a graph that does not change.
    shown : sequence of int
        The indices of the states on the slider.
    unit : str
        The plural name of the changes between states, the unit of ages.
    has_sides : bool
        Whether links connect two sides, so that populations are columns; otherwise there is one population, a ring.
    notes : sequence of str
        Additional sentences.
    """

    title: str
    summary: str
    populations: Sequence[Population]
    layers: Sequence[SceneLayer]
    steps: Sequence[int] = (0,)
    shown: Sequence[int] = (0,)
    unit: str = "updates"
    has_sides: bool = True
    notes: Sequence[str] = ()

    def data(self) -> dict[str, Any]:
        """Return the scene as JSON values."""
        return {
            "title": self.title,
            "steps": list(self.steps),
            "shown": list(self.shown),
            "unit": self.unit,
            "has_sides": self.has_sides,
            "populations": [
                {
                    "title": each.title,
                    "n": each.n,
                    "names": each.names,
                    "column": each.column,
                    "is_read": bool(each.readers),
                }
                for each in self.populations
            ],
            "layers": [layer.data() for layer in self.layers],
        }


def scene_of(graph: BipartiteGraph | Graph | LayeredNetwork) -> Scene:
    """Return the scene of a graph.

    Raises
    ------
    InvalidValueError
        When the graph is too large to be drawn.

    Examples
    --------
    >>> scene_of(Graph([(0, 1), (1, 2)], 3)).summary
    '3 nodes, 2 links'
    """
    if isinstance(graph, Graph):
        return _of_nodes(graph)
    network = LayeredNetwork({"": graph}) if isinstance(graph, BipartiteGraph) else graph
    check_size(network.n_links, network.n_neurons, len(network), LAYER_CURE)
    lives = lives_through([network.graphs], [0])
    populations, ends = populations_of(network, network.graphs)
    layers = [SceneLayer(name, *ends[name], lives[name]) for name in network]
    count = f"{len(network)} layers, " if len(network) > 1 else ""
    sizes = f"{sum(population.n for population in populations):,} neurons, {network.n_links:,} links"
    return Scene("Layer explorer", f"{count}{sizes}", populations, layers)


def _of_nodes(graph: Graph) -> Scene:
    check_size(graph.n_links, graph.n_nodes, 1, NODES_CURE)
    ends = graph.edges()
    cells = np.sort(ends[:, 1] * graph.n_nodes + ends[:, 0])
    lives = Lives(cells, np.zeros_like(cells), np.ones_like(cells), graph.n_nodes)
    nodes = Population(graph.n_nodes, graph.names, writers=[""])
    summary = f"{graph.n_nodes:,} nodes, {graph.n_links:,} links"
    return Scene("Graph explorer", summary, [nodes], [SceneLayer("", 0, 0, lives)], has_sides=False)
