"""`ShardedLinks`: the links of a model whose weights ``fully_shard`` has sharded, during training."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.distributed import Exchange, ShardedLinear, ShardedStored, agreement
from topolearn.evolution.per_link.model_links import ModelLinks
from topolearn.evolution.sharded.ages import ShardedAges
from topolearn.evolution.step.links import LayerLinks
from topolearn.sparse import SparseLinear


class ShardedLinks(ModelLinks):
    """The links of sharded layers; updates read and write only this rank's rows.

    Parameters
    ----------
    model, layers, optimizer
        As for `ModelLinks`; all layers are sharded over the same mesh.

    Attributes
    ----------
    sharded : dict of str to ShardedLinear
        The layers.
    exchange : Exchange
        Communication between the ranks.
    ages : dict of str to ShardedAges
    """

    ages: dict[str, ShardedAges]  # type: ignore[assignment]

    def __init__(self, model: nn.Module, layers: Mapping[str, SparseLinear], optimizer: Optimizer) -> None:
        super().__init__(model, layers, optimizer)
        self.sharded = {name: layer for name, layer in layers.items() if isinstance(layer, ShardedLinear)}
        self.ages = {name: ShardedAges(layer) for name, layer in self.sharded.items()}
        first = next(iter(self.sharded.values()))
        self.exchange = Exchange(first.shard.group, first.mask.device)

    def together(self) -> AbstractContextManager[None]:
        """Return a context in which an error on one rank raises on all ranks."""
        return agreement(self.exchange.group if self.exchange.n_ranks > 1 else None, dict)

    def counts(self, layers: Mapping[str, LayerLinks]) -> dict[str, int]:
        """Return the number of links of each layer, in all rows."""
        return {name: self.sharded[name].n_links for name in layers}

    def _links_of(self, name: str, layer: SparseLinear) -> LayerLinks:
        assert isinstance(layer, ShardedLinear)
        cells = layer.own_cells()
        return LayerLinks(cells, layer.own_values(cells), layer.shape)

    def _stored_of(self, layer: SparseLinear) -> Tensor | None:
        return layer.own_latest().flatten() if isinstance(layer, ShardedStored) else None
