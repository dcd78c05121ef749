"""Percolation: remove the links to and from inactive neurons until none is left."""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topolearn.errors import InvalidTypeError
from topolearn.graph.bipartite.graph import BipartiteGraph
from topolearn.graph.cells import edges_of
from topolearn.graph.groups import NeuronGroup, Shapes
from topolearn.graph.network import LayeredNetwork
from topolearn.graph.percolation.activity import active_neurons, check_unit, in_layer
from topolearn.graph.percolation.sweeps import sweep
from topolearn.waiting import is_asynchronous


def percolate(
    network: LayeredNetwork, *, unit: str = "coordinate"
) -> tuple[LayeredNetwork, dict[str, NDArray[np.int64]]]:
    """Remove all links to and from inactive hidden neurons, until none is left.

    A neuron of a group is active if its writers have a link into it (at least one of them if they combine with "any",
    all of them if with "all") and at least one of its readers, if it has any, has a link out of it. A neuron of a
    shared head stays as long as one of the heads that it serves needs it. Neurons in no group, such as the inputs of
    the first layer, the outputs of the last, and the residual stream, are not tested.

    Parameters
    ----------
    network : LayeredNetwork
        The network, which does not change.
    unit : {"coordinate", "rotary_pair"}
        What to test in groups with rotary positions: each coordinate by itself, as in the paper, which can change
        attention scores; or together the two coordinates that these positions rotate into each other, which cannot.

    Returns
    -------
    network : LayeredNetwork
        The network without these links.
    removed : dict of str to array of shape (k, 2)
        The links removed from each layer, as rows (input, output) in the order of `BipartiteGraph.edges`.

    Raises
    ------
    InvalidTypeError, UnknownNameError
        When `network` is not a LayeredNetwork, or `unit` is unknown.

    References
    ----------
    Zhang et al., appendix E.

    Examples
    --------
    Neither of the two hidden neurons has links on both sides.

    >>> first = BipartiteGraph.from_edges([(0, 0)], n_in=1, n_out=2)
    >>> second = BipartiteGraph.from_edges([(1, 0)], n_in=2, n_out=1)
    >>> network, removed = percolate(LayeredNetwork({"fc1": first, "fc2": second}))
    >>> network.n_links, removed["fc2"].tolist()
    (0, [[1, 0]])
    """
    if not isinstance(network, LayeredNetwork):
        raise InvalidTypeError(f"network is a {type(network).__name__}: pass LayeredNetwork(graphs)")
    cells = {name: torch.tensor(graph.cells) for name, graph in network.graphs.items()}
    left = percolate_cells(cells, network.shapes, network.groups, unit=unit)
    graphs, removed = {}, {}
    for name, graph in network.graphs.items():
        kept = left[name].numpy()
        graphs[name] = graph if kept.size == graph.n_links else _with_links(graph, kept)
        removed[name] = edges_of(np.setdiff1d(graph.cells, kept, assume_unique=True), graph.n_in)
    return LayeredNetwork(graphs, network.groups), removed


def percolate_cells(
    cells: Mapping[str, Tensor], shapes: Shapes, groups: Sequence[NeuronGroup], *, unit: str = "coordinate"
) -> dict[str, Tensor]:
    """Return the links that percolation leaves, on the device that they are on; see `percolate`.

    It passes over the links of a layer once to count them, and again each time the layer loses some.

    Parameters
    ----------
    cells : Mapping of str to Tensor of int64
        The links of each layer as sorted flat positions, ``output * n_in + input``.
    shapes : Mapping of str to (int, int)
        Numbers of output and input neurons of each layer.
    groups : sequence of NeuronGroup
        Groups that fit these layers.
    unit : {"coordinate", "rotary_pair"}
        As for `percolate`.

    Returns
    -------
    dict of str to Tensor of int64
        The links that are left; for a layer that lost none, the given tensor itself.
    """
    check_unit(unit)
    if any(is_asynchronous(links.device) for links in cells.values()):
        return sweep(cells, shapes, groups, unit)
    layers = {name: _Links(links, shapes[name]) for name, links in cells.items()}
    written_by = {name: group for group in groups for name in group.writers}
    read_by = {name: group for group in groups for name in group.readers}
    due = deque(groups)
    in_pairs = unit == "rotary_pair"
    while due:
        group = due.popleft()
        fan_in = {name: layers[name].fan_in for name in group.writers}
        fan_out = {name: layers[name].fan_out for name in group.readers}
        active = active_neurons(group, shapes, fan_in, fan_out, unit)
        # A layer that loses links here has fewer at its other end, so that group is due again.
        lost = [n for n in group.writers if layers[n].cut_outputs(in_layer(group, active, shapes[n][0]))]
        for name in lost:
            if name in read_by:
                due.appendleft(read_by[name])
        for name in group.readers:
            if layers[name].cut_inputs(in_layer(group, active, shapes[name][1])) and name in written_by:
                due.append(written_by[name])
        if lost and in_pairs and group.rotary is not None:
            due.append(group)  # an active coordinate may have lost the link into its partner, which drove it
    return {name: links.cells for name, links in layers.items()}


class _Links:
    """The links of one layer during percolation; they are counted lazily."""

    def __init__(self, cells: Tensor, shape: tuple[int, int]) -> None:
        self.cells, (self._n_out, self._n_in) = cells, shape

    @cached_property
    def fan_in(self) -> Tensor:
        """Number of links into each output neuron."""
        rows = torch.arange(self._n_out + 1, device=self.cells.device) * self._n_in
        return torch.searchsorted(self.cells, rows).diff()

    @cached_property
    def fan_out(self) -> Tensor:
        """Number of links out of each input neuron."""
        return torch.bincount(self._inputs, minlength=self._n_in)

    @property
    def _inputs(self) -> Tensor:
        return self.cells % self._n_in  # not kept, as it would be as large as the links of all layers

    def cut_outputs(self, active: Tensor) -> bool:
        """Remove the links into inactive neurons, and return whether there were any."""
        if bool((active | (self.fan_in == 0)).all()):
            return False
        self._keep(active.repeat_interleave(self.fan_in))
        return True

    def cut_inputs(self, active: Tensor) -> bool:
        """Remove the links out of inactive neurons, and return whether there were any."""
        if bool((active | (self.fan_out == 0)).all()):
            return False
        self._keep(active.index_select(0, self._inputs))
        return True

    def _keep(self, chosen: Tensor) -> None:
        self.cells = self.cells.masked_select(chosen)  # twice as fast as indexing
        for counted in ("fan_in", "fan_out"):
            self.__dict__.pop(counted, None)


def _with_links(graph: BipartiteGraph, cells: NDArray[np.int64]) -> BipartiteGraph:
    names = {"input_names": graph.input_names, "output_names": graph.output_names}
    return BipartiteGraph.from_cells(cells, graph.n_in, graph.n_out, **names)
