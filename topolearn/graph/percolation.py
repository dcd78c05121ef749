"""Percolation: removal of the links to and from inactive neurons, to a fixed point."""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topolearn.errors import InvalidTypeError
from topolearn.graph.activity import active_neurons, check_unit, in_layer
from topolearn.graph.bipartite import BipartiteGraph
from topolearn.graph.cells import edges_of
from topolearn.graph.groups import NeuronGroup, Shapes
from topolearn.graph.network import LayeredNetwork
from topolearn.graph.sweeps import sweep
from topolearn.waiting import works_behind


def percolate(
    network: LayeredNetwork, *, unit: str = "coordinate"
) -> tuple[LayeredNetwork, dict[str, NDArray[np.int64]]]:
    """Remove all links to and from inactive hidden neurons, until none is left.

    A neuron of a group is active when its writers have a link into it (one of them where they combine
    by "any", each of them where by "all") and one of its readers, if it has any, has a link out of it. A neuron of a
    head that several heads share stays as long as one of them needs it. Neurons in no group, such as the inputs of the
    first layer, the outputs of the last, and the residual stream, are not tested.

    Parameters
    ----------
    network : LayeredNetwork
        The network; it stays as it is.
    unit : {"coordinate", "rotary_pair"}
        What is tested in groups with rotary positions: each coordinate by itself, as in the paper, which changes
        attention scores, or the two that these positions turn into each other, which leaves them as they are.

    Returns
    -------
    network : LayeredNetwork
        The network without these links.
    removed : dict of str to array of shape (k, 2)
        The links removed from each layer: rows (input, output), sorted as `BipartiteGraph.edges`.

    Raises
    ------
    InvalidTypeError, UnknownNameError
        When `network` is not a LayeredNetwork, or `unit` another word.

    References
    ----------
    Zhang et al., appendix E.

    Examples
    --------
    Of two hidden neurons, neither has links on both sides.

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
    """Return the links that percolation leaves, on the device on which they are; see `percolate`.

    A layer is passed over once to count its links, and once more each time that it loses some.

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
        The links that are left, of a layer that lost none the very tensor.
    """
    check_unit(unit)
    if any(works_behind(links.device) for links in cells.values()):
        return sweep(cells, shapes, groups, unit)
    layers = {name: _Links(links, shapes[name]) for name, links in cells.items()}
    written_by = {name: group for group in groups for name in group.writers}
    read_by = {name: group for group in groups for name in group.readers}
    due = deque(groups)
    while due:
        group = due.popleft()
        fan_in = {name: layers[name].fan_in for name in group.writers}
        fan_out = {name: layers[name].fan_out for name in group.readers}
        active = active_neurons(group, shapes, fan_in, fan_out, unit)
        # A layer that loses links here has fewer at its other end, which is to be looked at again.
        for name in group.writers:
            if layers[name].cut_outputs(in_layer(group, active, shapes[name][0])) and name in read_by:
                due.appendleft(read_by[name])
        for name in group.readers:
            if layers[name].cut_inputs(in_layer(group, active, shapes[name][1])) and name in written_by:
                due.append(written_by[name])
    return {name: links.cells for name, links in layers.items()}


class _Links:
    """The links of one layer while they percolate; what is counted of them is counted when it is asked for."""

    def __init__(self, cells: Tensor, shape: tuple[int, int]) -> None:
        self.cells, (self._n_out, self._n_in) = cells, shape

    @cached_property
    def fan_in(self) -> Tensor:
        """Links into each output neuron."""
        rows = torch.arange(self._n_out + 1, device=self.cells.device) * self._n_in
        return torch.searchsorted(self.cells, rows).diff()

    @cached_property
    def fan_out(self) -> Tensor:
        """Links out of each input neuron."""
        return torch.bincount(self._inputs, minlength=self._n_in)

    @cached_property
    def _inputs(self) -> Tensor:
        return self.cells % self._n_in

    def cut_outputs(self, active: Tensor) -> bool:
        """Remove the links into neurons that are not active, and return whether there were any."""
        if bool((active | (self.fan_in == 0)).all()):
            return False
        self._keep(active.repeat_interleave(self.fan_in))
        return True

    def cut_inputs(self, active: Tensor) -> bool:
        """Remove the links out of neurons that are not active, and return whether there were any."""
        if bool((active | (self.fan_out == 0)).all()):
            return False
        self._keep(active.index_select(0, self._inputs))
        return True

    def _keep(self, chosen: Tensor) -> None:
        self.cells = self.cells.masked_select(chosen)  # twice as fast as indexing
        for counted in ("fan_in", "fan_out", "_inputs"):
            self.__dict__.pop(counted, None)


def _with_links(graph: BipartiteGraph, cells: NDArray[np.int64]) -> BipartiteGraph:
    names = {"input_names": graph.input_names, "output_names": graph.output_names}
    return BipartiteGraph.from_cells(cells, graph.n_in, graph.n_out, **names)
