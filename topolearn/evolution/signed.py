"""`SignedLinks`: layers whose links have a sign for good, and move at every step besides what the optimizer does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from topolearn.evolution.admission import check_layers
from topolearn.evolution.exploration import Exploration
from topolearn.evolution.langevin import langevin_step
from topolearn.evolution.links import LayerLinks
from topolearn.evolution.method import Method
from topolearn.evolution.optimizer_state import follow_links
from topolearn.evolution.signs import check_signs, link_signs
from topolearn.evolution.update import LayerUpdate
from topolearn.sampling import RandomField
from topolearn.sparse import LinkChange, SparseLinear


class _Known(NamedTuple):
    """Cells and signs of a layer's links, and the stamp that these had."""

    cells: Tensor
    signs: Tensor
    stamp: tuple[Tensor, int]


class SignedLinks:
    """The links of a model's sparse layers with their signs, at hand at every step.

    Parameters
    ----------
    layers : Mapping of str to SparseLinear
    method : Method
        One with signs.
    seed : int

    Raises
    ------
    InvalidValueError
        When a link has the wrong sign.
    """

    def __init__(self, layers: Mapping[str, SparseLinear], method: Method, seed: int) -> None:
        check_signs(layers, seed)
        self._layers, self._method, self._seed = layers, method, seed
        self._rates: dict[str, float] = {}
        self._known: dict[str, _Known] = {}

    def reseed(self, seed: int) -> None:
        """Give all cells the signs of another seed."""
        self._seed, self._known = seed, {}

    def expect(self, optimizer: Optimizer, factor: float) -> None:
        """Keep the learning rates, times a factor, of the step that the optimizer is about to take."""
        rates = {id(weight): group["lr"] for group in optimizer.param_groups for weight in group["params"]}
        self._rates = {
            name: factor * float(rates[id(layer.link_parameter)])
            for name, layer in self._layers.items()
            if id(layer.link_parameter) in rates
        }

    def links(self, step: int) -> dict[str, LayerLinks]:
        """Return the links of the layers with the weights to which they move at a step; nothing is changed."""
        check_layers(self._layers, step)
        return {name: self._moved(name, layer, step) for name, layer in self._layers.items()}

    def write(self, links: Mapping[str, LayerLinks]) -> None:
        """Give the layers the weights of their links."""
        for name, each in links.items():
            if not each.frozen:
                self._layers[name].set_values_at(each.cells, each.values)

    def take(
        self,
        links: Mapping[str, LayerLinks],
        updates: Mapping[str, LayerUpdate],
        optimizer: Optimizer,
        exploration: Mapping[str, Exploration],
        step: int,
    ) -> None:
        """Give the layers, and all that goes with them, their links after an update; where none changed, no time goes.

        New links begin at 0 with nothing to remember, also those that have only just been removed.
        """
        self.write(links)
        for name, layer in self._layers.items():
            change = _change(updates[name], links[name])
            if change is not None:
                follow_links(optimizer, layer.link_parameter, layer.change_links(change))
                exploration[name].change(change, step)
                signs = change.moved(self._known[name].signs, link_signs(change.grown, self._seed, name))
                self._known[name] = _Known(change.cells, signs, layer.link_stamp)

    @torch.no_grad()
    def _moved(self, name: str, layer: SparseLinear, step: int) -> LayerLinks:
        known, method = self._find(name, layer), self._method
        found = LayerLinks(known.cells, layer.values_at(known.cells), layer.shape, signs=known.signs)
        if not layer.link_parameter.requires_grad:
            return replace(found, frozen=True)
        if not (method.l1 or method.noise):
            return found
        field, rate = RandomField(self._seed, name, step, "noise"), self._rates.get(name, 0.0)
        moved = langevin_step(found.values, known.cells, known.signs, rate, method.l1, method.noise, field)
        return replace(found, values=moved)

    def _find(self, name: str, layer: SparseLinear) -> _Known:
        """Return cells and signs of a layer, anew if others have changed its links meanwhile."""
        stamp, known = layer.link_stamp, self._known.get(name)
        if known is None or known.stamp[0] is not stamp[0] or known.stamp[1] != stamp[1]:
            cells = layer.cells()
            known = self._known[name] = _Known(cells, link_signs(cells, self._seed, name), stamp)
        return known


def _change(update: LayerUpdate, links: LayerLinks) -> LinkChange | None:
    """Return how the links of a layer change by an update, or None if they do not; what returns is lost and grown."""
    lost, grown = update.lost, update.cells["regrown"]
    if not len(lost) and not len(grown):
        return None
    both = (torch.from_numpy(cells).to(links.cells.device) for cells in (lost, grown))
    return LinkChange.of(links.cells, *both)
