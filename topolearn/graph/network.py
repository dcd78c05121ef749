"""The graphs of all sparse layers of a model, and how their neurons meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.graph import exploring
from topolearn.graph.bipartite.graph import BipartiteGraph, percent
from topolearn.graph.groups import NeuronGroup, Shapes, chain, validated_groups
from topolearn.graph.immutable import Immutable
from topolearn.registry import suggest
from topolearn.showing import shown_by

if TYPE_CHECKING:
    import igraph
    import networkx as nx


class LayeredNetwork(Immutable):
    """The graphs of the sparse layers of a model, and the groups in which their hidden neurons meet.

    A network is immutable. Its neurons form populations, numbered in order of first appearance, layer by layer, inputs
    before outputs. A group is one population, whichever layers write to it or read it; a side of a layer that is in no
    group is its own population. An attention head that several heads share appears once for each of them, because its
    neurons are multiplied with, or weighted by, each of them separately.

    Parameters
    ----------
    graphs : Mapping of str to BipartiteGraph
        The graph of each layer by name, in order; at least one.
    groups : iterable of NeuronGroup, optional
        Where layers meet; a layer writes to at most one group, and reads from at most one. If None, the layers form a
        chain: each writes to the next.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When there is no graph, `groups` is not an iterable of groups, sizes do not match, a group names an unknown
        layer or one that another group has, or layers form a cycle.

    Examples
    --------
    >>> import numpy as np
    >>> LayeredNetwork({"fc1": BipartiteGraph(np.eye(3)), "fc2": BipartiteGraph(np.ones((2, 3)))})
    LayeredNetwork(2 layers, 8 neurons, 9 links, density 60.00%: fc1 3 x 3, fc2 3 x 2)
    """

    __slots__ = ("_graphs", "_groups", "_neurons")

    _graphs: Mapping[str, BipartiteGraph]
    _groups: tuple[NeuronGroup, ...]
    _neurons: Mapping[str, tuple[slice, slice]]

    def __init__(self, graphs: Mapping[str, BipartiteGraph], groups: Iterable[NeuronGroup] | None = None) -> None:
        if not isinstance(graphs, Mapping):
            raise InvalidTypeError(f"graphs is a {type(graphs).__name__}: pass a dict of layer names to graphs")
        if not graphs:
            raise InvalidValueError("graphs is empty: a network needs at least 1 layer")
        for name, graph in graphs.items():
            if not isinstance(name, str) or not isinstance(graph, BipartiteGraph):
                raise InvalidTypeError(f"graphs[{name!r}] is a {type(graph).__name__}: map a str to a BipartiteGraph")
        graphs = dict(graphs)
        shapes = {name: graph.shape for name, graph in graphs.items()}
        groups = chain(shapes) if groups is None else validated_groups(groups, shapes)
        self._fill(
            _graphs=MappingProxyType(graphs),
            _groups=groups,
            _neurons=MappingProxyType(_place(shapes, groups)),
        )

    @property
    def graphs(self) -> Mapping[str, BipartiteGraph]:
        """The graph of each layer, by name, in order; read-only."""
        return self._graphs

    @property
    def groups(self) -> tuple[NeuronGroup, ...]:
        """The groups in which layers meet."""
        return self._groups

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Numbers of output and input neurons of each layer, by name."""
        return {name: graph.shape for name, graph in self._graphs.items()}

    @property
    def neurons(self) -> Mapping[str, tuple[slice, slice]]:
        """The positions of the inputs and outputs of each layer among all neurons of the network, as slices."""
        return self._neurons

    @property
    def n_neurons(self) -> int:
        """Total number of neurons of all populations."""
        return max(side.stop for sides in self._neurons.values() for side in sides)

    @property
    def n_links(self) -> int:
        """Total number of links of all layers."""
        return sum(graph.n_links for graph in self._graphs.values())

    @property
    def density(self) -> float:
        """Links of all layers over their possible links."""
        return self.n_links / sum(graph.n_cells for graph in self._graphs.values())

    def between(self, name: str) -> sparse.csr_array:
        """Return the links of a layer between the populations it connects: boolean, shape (targets, sources).

        This is its adjacency, with the rows or columns of a shared head repeated for each head that it serves.

        Examples
        --------
        >>> import numpy as np
        >>> graphs = {"q": BipartiteGraph(np.eye(4)), "k": BipartiteGraph(np.eye(2))}
        >>> network = LayeredNetwork(graphs, [NeuronGroup(("q", "k"), (), "all", heads=2)])
        >>> network.between("k").toarray().astype(int).tolist()
        [[1, 0], [0, 1], [1, 0], [0, 1]]
        """
        links = self[name].to_scipy()
        for group in self._groups:
            if name in group.writers and links.shape[0] < (size := group.n_neurons(self.shapes)):
                links = links[group.own_neuron(np.arange(size), links.shape[0], size)]
            if name in group.readers and links.shape[1] < (size := group.n_neurons(self.shapes)):
                links = links[:, group.own_neuron(np.arange(size), links.shape[1], size)]
        return links

    def to_scipy(self) -> sparse.csr_array:
        """Return the adjacency of the whole network: boolean, shape (n_neurons, n_neurons), (target, source).

        Layers between the same two populations share entries, so there can be fewer entries than links; a link of a
        shared head has an entry for each head that it serves.

        Examples
        --------
        >>> import numpy as np
        >>> layer = BipartiteGraph(np.eye(2))
        >>> LayeredNetwork({"fc1": layer, "fc2": layer}).to_scipy().nonzero()[0].tolist()
        [2, 3, 4, 5]
        """
        rows, columns = [], []
        for name, (inputs, outputs) in self._neurons.items():
            links = self.between(name).tocoo()
            rows.append(links.row + outputs.start)
            columns.append(links.col + inputs.start)
        ends = np.concatenate(rows), np.concatenate(columns)
        return sparse.csr_array((np.ones(ends[0].size, dtype=bool), ends), shape=(self.n_neurons,) * 2)

    def to_networkx(self) -> nx.DiGraph:
        """Return a networkx graph, source to target; attributes ``population`` and ``index`` (within it)."""
        import networkx as nx

        population, index = self._populations()
        result = nx.DiGraph()
        places = enumerate(zip(population.tolist(), index.tolist(), strict=True))
        result.add_nodes_from((i, {"population": p, "index": j}) for i, (p, j) in places)
        result.add_edges_from(self._pairs())
        return result

    def to_igraph(self) -> igraph.Graph:
        """Return an igraph graph, source to target; attributes ``population`` and ``index`` (within it)."""
        import igraph

        population, index = self._populations()
        places = {"population": population.tolist(), "index": index.tolist()}
        return igraph.Graph(n=self.n_neurons, edges=self._pairs(), directed=True, vertex_attrs=places)

    explore = exploring.explore

    def _pairs(self) -> list[list[int]]:
        targets, sources = self.to_scipy().nonzero()
        return np.column_stack([sources, targets]).tolist()

    def _populations(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the population of each neuron, and its index within it."""
        starts = np.unique([side.start for sides in self._neurons.values() for side in sides])
        population = np.repeat(np.arange(starts.size), np.diff(starts, append=self.n_neurons))
        return population, np.arange(self.n_neurons) - starts[population]

    def __getitem__(self, name: str) -> BipartiteGraph:
        if name not in self._graphs:
            raise UnknownNameError(f"unknown layer {name!r}: {suggest(str(name), list(self._graphs))}")
        return self._graphs[name]

    def __contains__(self, name: object) -> bool:
        return name in self._graphs

    def __iter__(self) -> Iterator[str]:
        return iter(self._graphs)

    def __len__(self) -> int:
        return len(self._graphs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LayeredNetwork):
            return NotImplemented
        return list(self._graphs.items()) == list(other._graphs.items()) and self._groups == other._groups

    def __hash__(self) -> int:
        return hash((tuple(self._graphs.items()), self._groups))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self._graphs), self._groups)

    _repr_html_ = shown_by("topolearn.plotting.cards:network_card")

    def __repr__(self) -> str:
        layers = ", ".join(f"{name} {graph.n_in} x {graph.n_out}" for name, graph in self._graphs.items())
        links = f"{self.n_links} links, density {percent(self.density)}"
        return f"LayeredNetwork({len(self)} layers, {self.n_neurons} neurons, {links}: {layers})"


def _place(shapes: Shapes, groups: tuple[NeuronGroup, ...]) -> dict[str, tuple[slice, slice]]:
    read = {name: group for group in groups for name in group.readers}
    written = {name: group for group in groups for name in group.writers}
    populations: dict[object, slice] = {}
    total = 0

    def place(name: str, side: str, group: NeuronGroup | None, n: int) -> slice:
        nonlocal total
        key = (name, side) if group is None else group
        if key not in populations:
            n = n if group is None else group.n_neurons(shapes)
            populations[key] = slice(total, total := total + n)
        return populations[key]

    return {
        name: (place(name, "in", read.get(name), n_in), place(name, "out", written.get(name), n_out))
        for name, (n_out, n_in) in shapes.items()
    }
