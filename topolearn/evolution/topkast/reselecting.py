"""`Reselecting`: the kind of Top-KAST, whose updates re-select the links among all cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from topolearn.evolution.ordinary import Ordinary
from topolearn.evolution.starting.initial_weights import Law
from topolearn.evolution.step.links import LayerLinks
from topolearn.evolution.step.stages import Step
from topolearn.evolution.topkast.backward_set import backward_set, n_trained
from topolearn.evolution.topkast.dense_start import begin, draw_values, largest_links, why_not_chosen_by_weights
from topolearn.evolution.topkast.exploration_loss import add_exploration_gradient
from topolearn.graph import BipartiteGraph
from topolearn.sparse import SparseLinear, StoredLinear


class Reselecting(Ordinary):
    """Trains more cells than the links, and re-selects the links among all cells at every update (Top-KAST)."""

    reselects = True
    acts_each_step = True

    def why_not_keep_weights(self) -> str | None:
        """Return why the weights of a model cannot be kept, or None if they can choose the links."""
        return super().why_not_keep_weights() or why_not_chosen_by_weights(self.method)

    def links_of_weights(
        self, weights: Mapping[str, Tensor], counts: Mapping[str, int], seed: int
    ) -> dict[str, BipartiteGraph]:
        """Return the links that the weights of a model choose."""
        return largest_links(weights, counts, self.method, seed)

    def give_weights(
        self, layer: SparseLinear, source: Law | Tensor, generator: torch.Generator, *, name: str, seed: int
    ) -> None:
        """Draw or keep the values of all cells, and train the best of them."""
        assert isinstance(layer, StoredLinear)
        values = source if isinstance(source, Tensor) else draw_values(layer, source, generator)
        begin(layer, values, name, Step(self.method, 0.0, seed, 0))

    def n_trained(self, n_links: int, n_cells: int) -> int:
        """Return how many cells of a layer are trained, including the links."""
        assert self.method.backward_ratio is not None
        return n_trained(n_links, n_cells, self.method.backward_ratio)

    def before_optimizer(self, layers: Iterable[SparseLinear], scale: float | Tensor) -> None:
        """Add the gradient of the exploration loss."""
        if not self.method.exploration_penalty:
            return
        factor = float(scale) * self.method.exploration_penalty
        for layer in layers:
            assert isinstance(layer, StoredLinear)
            add_exploration_gradient(layer, factor)

    def trained_cells(
        self, layers: Mapping[str, LayerLinks], links: Mapping[str, Tensor], seed: int, index: int
    ) -> dict[str, Tensor]:
        """Return the backward set of each layer that is not frozen."""
        return {
            name: backward_set(layer, links[name], name, Step(self.method, 0.0, seed, index))
            for name, layer in layers.items()
            if not layer.frozen
        }
