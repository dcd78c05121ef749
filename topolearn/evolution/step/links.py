"""`LayerLinks`: the input of an evolution step for one layer, and `Targets`: how many links layers should have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from topolearn.graph.cells import search
from topolearn.sparse import GradientRecord


@dataclass(frozen=True)
class LayerLinks:
    """The links of one layer at the beginning of a step.

    Attributes
    ----------
    cells : Tensor of int64, shape (n_links,)
        The links as sorted flat positions, ``output * n_in + input``.
    values : Tensor, shape (n_links,)
        Their weights.
    shape : (int, int)
        Numbers of output and input neurons.
    gradient : Tensor, shape (n_links,), or None
        The gradient of each link, for scores that need it.
    record : GradientRecord or None
        The gradient of all cells, for regrowth scores that need it.
    stored : Tensor, shape (n_out * n_in,), or None
        The last value of each cell, links among them, under ``storage="dense"``.
    frozen : bool
        Whether the layer stays unchanged.
    is_output : bool
        Whether its output neurons are the outputs of the model, which are never ablated.
    signs : Tensor of int8, shape (n_links,), or None
        The fixed sign of each link's weight, for methods with signs.
    """

    cells: Tensor
    values: Tensor
    shape: tuple[int, int]
    gradient: Tensor | None = None
    record: GradientRecord | None = None
    stored: Tensor | None = None
    frozen: bool = False
    is_output: bool = False
    signs: Tensor | None = None

    @classmethod
    def of(cls, weight: Tensor, mask: Tensor, gradient: Tensor | None = None) -> LayerLinks:
        """Return the links of a dense weight, shape (n_out, n_in), where a mask of that shape is true.

        Examples
        --------
        >>> import torch
        >>> w = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
        >>> LayerLinks.of(w, w != 0).cells
        tensor([1, 2])
        """
        n_out, n_in = weight.shape
        chosen = None if gradient is None else gradient.detach()[mask]
        return cls(mask.flatten().nonzero().squeeze(1), weight.detach()[mask], (n_out, n_in), chosen)

    def among(self, cells: Tensor) -> LayerLinks:
        """Return the same data for some cells: a subset of the links, or any cells if there are ``stored`` values."""
        if self.stored is not None:
            return LayerLinks(cells, self.stored[cells], self.shape)
        if cells is self.cells:
            return self
        places = search(self.cells, cells)
        gradient, signs = (None if each is None else each[places] for each in (self.gradient, self.signs))
        return LayerLinks(cells, self.values[places], self.shape, gradient, signs=signs)


@dataclass(frozen=True)
class Targets:
    """How many links the layers should have after a step.

    Attributes
    ----------
    after : dict of str to int
        Links of each layer after the step; with constant fan-in, an upper bound.
    final : dict of str to int
        Links of each layer at the end of the density decay.
    decays : bool
        Whether the density falls at this step.
    pooled : bool
        Whether only the sum of ``after`` matters: the links of all layers are ranked together, and every layer keeps at
        least one.
    """

    after: Mapping[str, int]
    final: Mapping[str, int]
    decays: bool = False
    pooled: bool = False
