"""`Signed`: the kind of DeepR, whose links have a fixed sign."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.evolution.deepr.signed_links import SignedLinks
from topolearn.evolution.deepr.signs import link_signs
from topolearn.evolution.ordinary import Layers, Ordinary
from topolearn.evolution.starting.initial_weights import Law
from topolearn.sparse import SparseLinear


class Signed(Ordinary):
    """Gives each link a fixed sign, and moves the links at every step in addition to the optimizer (DeepR)."""

    acts_each_step = True

    def why_not_keep_weights(self) -> str:
        """Return why the weights of a model cannot be kept: they already have signs."""
        return super().why_not_keep_weights() or (
            f"method {self.method.name!r} assigns a fixed sign to every link, but kept weights have their own signs: "
            "use init='he'"
        )

    def give_weights(
        self, layer: SparseLinear, source: Law | Tensor, generator: torch.Generator, *, name: str, seed: int
    ) -> None:
        """Draw the magnitudes of the weights; the signs are fixed."""
        super().give_weights(layer, source, generator, name=name, seed=seed)
        layer.set_link_values(layer.link_values().abs() * link_signs(layer.cells(), seed, name))

    def why_not_shards(self) -> str:
        """Return why layers cannot be sharded by rows."""
        return "moves all links at every step (removal='sign')"

    def model_links(self, model: nn.Module, layers: Layers, optimizer: Optimizer, seed: int) -> SignedLinks:
        """Return the links of a model for training, with their signs.

        Raises
        ------
        InvalidValueError
            When a link has the wrong sign.
        """
        return SignedLinks(model, layers, optimizer, self.method, seed)
