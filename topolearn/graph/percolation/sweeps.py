"""Percolation on an accelerator: sweeps through all groups, with a single synchronisation to detect the fixed point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from topolearn.graph.groups import NeuronGroup, Shapes
from topolearn.graph.percolation.activity import active_neurons, in_layer
from topolearn.waiting import positions


class _Links:
    """The links of one layer during percolation: the list stays the same, and `there` marks the remaining ones."""

    def __init__(self, cells: Tensor, shape: tuple[int, int]) -> None:
        self.cells, (self._n_out, self._n_in) = cells, shape
        self._outputs, self._inputs = cells // self._n_in, cells % self._n_in
        self.there = torch.ones_like(cells)

    @property
    def fan_in(self) -> Tensor:
        """Number of links into each output neuron."""
        return self.there.new_zeros(self._n_out).index_add_(0, self._outputs, self.there)

    @property
    def fan_out(self) -> Tensor:
        """Number of links out of each input neuron."""
        return self.there.new_zeros(self._n_in).index_add_(0, self._inputs, self.there)

    def cut(self, *, outputs: Tensor | None = None, inputs: Tensor | None = None) -> None:
        """Remove the links into inactive outputs, or out of inactive inputs."""
        for active, ends in ((outputs, self._outputs), (inputs, self._inputs)):
            if active is not None:
                self.there = self.there * active.to(self.there.dtype)[ends]


def sweep(cells: Mapping[str, Tensor], shapes: Shapes, groups: Sequence[NeuronGroup], unit: str) -> dict[str, Tensor]:
    """Return the links that percolation leaves; see `topolearn.graph.percolation.percolate.percolate_cells`.

    A sweep forward through the groups and one back reach the fixed point of a chain. The host then synchronises once,
    to learn whether a third sweep changes anything and how many links each layer has; it repeats this only if one does.

    Examples
    --------
    >>> cells = {"a": torch.tensor([0, 3]), "b": torch.tensor([1])}
    >>> sweep(cells, {"a": (2, 2), "b": (1, 2)}, [NeuronGroup(("a",), ("b",))], "coordinate")
    {'a': tensor([3]), 'b': tensor([1])}
    """
    layers = {name: _Links(links, shapes[name]) for name, links in cells.items()}
    if not layers or not groups:
        return dict(cells)
    while True:
        for group in (*groups, *reversed(groups)):
            _visit(group, layers, shapes, unit)
        before = _counts(layers)
        for group in groups:
            _visit(group, layers, shapes, unit)
        n_before, n_links = torch.stack((before, _counts(layers))).tolist()
        if n_before == n_links:
            break
    return {
        name: each.cells if n == each.cells.numel() else each.cells[positions(each.there > 0, n)]
        for (name, each), n in zip(layers.items(), n_links, strict=True)
    }


def _visit(group: NeuronGroup, layers: Mapping[str, _Links], shapes: Shapes, unit: str) -> None:
    """Remove the links to and from the inactive neurons of a group."""
    fan_in = {name: layers[name].fan_in for name in group.writers}
    fan_out = {name: layers[name].fan_out for name in group.readers}
    active = active_neurons(group, shapes, fan_in, fan_out, unit)
    for name in group.writers:
        layers[name].cut(outputs=in_layer(group, active, shapes[name][0]))
    for name in group.readers:
        layers[name].cut(inputs=in_layer(group, active, shapes[name][1]))


def _counts(layers: Mapping[str, _Links]) -> Tensor:
    return torch.stack([each.there.sum() for each in layers.values()])
