"""`RememberingLinks`: links that start with their last value when they grow again."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.evolution.per_link.former_values import former_values
from topolearn.evolution.per_link.model_links import ModelLinks
from topolearn.evolution.step.update import LayerUpdate
from topolearn.sparse import SparseLinear


class RememberingLinks(ModelLinks):
    """The links of a model's sparse layers, with the last values of former links.

    Parameters
    ----------
    model, layers, optimizer
        As for `ModelLinks`.
    """

    def __init__(self, model: nn.Module, layers: Mapping[str, SparseLinear], optimizer: Optimizer) -> None:
        super().__init__(model, layers, optimizer)
        for name, layer in layers.items():
            self.ages[name].former = former_values(layer)

    def take(
        self,
        links: Mapping[str, Tensor],
        trained: Mapping[str, Tensor],
        updates: Mapping[str, LayerUpdate],
        step: int,
    ) -> None:
        """Give the layers their links after an update, and links that grow again their last values."""
        prepared = {}
        for name, layer in self._layers.items():
            former = self.ages[name].former
            if former is not None and layer.link_parameter.requires_grad:
                prepared[name] = former.prepare(layer.cells(), layer.link_values(), links[name])
        super().take(links, trained, updates, step)
        for name, (values, commit) in prepared.items():
            self._layers[name].set_values_at(links[name], values)
            commit()
