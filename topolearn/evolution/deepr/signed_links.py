"""`SignedLinks`: the links of a model with fixed signs, which move at every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.errors import InvalidValueError
from topolearn.evolution.deepr.langevin import langevin_step
from topolearn.evolution.deepr.signs import link_signs
from topolearn.evolution.methods import Method
from topolearn.evolution.per_link.model_links import ModelLinks
from topolearn.evolution.per_link.optimizer_state import follow_links
from topolearn.evolution.step.links import LayerLinks
from topolearn.evolution.step.update import LayerUpdate
from topolearn.sampling import RandomField
from topolearn.sparse import LinkChange, SparseLinear
from topolearn.waiting import is_asynchronous


class _Known(NamedTuple):
    """Cells and signs of a layer's links, and the stamp of these links."""

    cells: Tensor
    signs: Tensor
    stamp: tuple[Tensor, int]


class SignedLinks(ModelLinks):
    """The links of a model's sparse layers with their signs, cached between steps.

    Parameters
    ----------
    model, layers, optimizer
        As for `ModelLinks`.
    method : Method
        A method with signs.
    seed : int

    Raises
    ------
    InvalidValueError
        When a link has the wrong sign.
    """

    def __init__(
        self, model: nn.Module, layers: Mapping[str, SparseLinear], optimizer: Optimizer, method: Method, seed: int
    ) -> None:
        _check_signs(layers, seed)
        super().__init__(model, layers, optimizer)
        self._method, self._seed = method, seed
        self._rates: dict[str, float | Tensor] = {}
        self._known: dict[str, _Known] = {}
        self._moved: dict[str, LayerLinks] = {}

    def reseed(self, seed: int) -> None:
        """Use the signs of another seed."""
        self._seed, self._known = seed, {}

    def expect(self, factor: float) -> None:
        """Store the learning rates of the next optimizer step, multiplied by a factor."""
        rates = {id(weight): group["lr"] for group in self._optimizer.param_groups for weight in group["params"]}
        self._rates = {
            name: factor * _number(rates[id(layer.link_parameter)])
            for name, layer in self._layers.items()
            if id(layer.link_parameter) in rates
        }

    def move(self, step: int, *, moves: bool) -> None:
        """Compute the weights to which the links move at a step; `write` stores them in the layers."""
        self._moved = {}
        if not moves:
            return
        self._check_shapes(step)
        self._moved = {name: self._moved_links(name, layer, step) for name, layer in self._layers.items()}

    def write(self) -> None:
        """Write the weights to which the links have moved to the layers."""
        for name, links in self._moved.items():
            if not links.frozen:
                self._layers[name].set_values_at(links.cells, links.values)
        self._moved = {}

    def take(
        self,
        links: Mapping[str, Tensor],
        trained: Mapping[str, Tensor],
        updates: Mapping[str, LayerUpdate],
        step: int,
    ) -> None:
        """Give the layers their links after an update; layers without changes cost no time.

        New links start at 0 without optimizer state, including links that were removed in the same update.
        """
        moved = self._moved
        if not moved:  # links no longer move, and an update only prunes them
            super().take(links, trained, updates, step)
            return
        changes = {name: _change(updates[name], each) for name, each in moved.items()}
        commits = [
            self._prepare(name, self._layers[name], change, step)
            for name, change in changes.items()
            if change is not None
        ]
        self.write()
        for commit in commits:
            commit()

    def _prepare(self, name: str, layer: SparseLinear, change: LinkChange, step: int) -> Callable[[], None]:
        """Prepare a change of a layer's links, and return the function that commits it without allocating memory."""
        change_links, ages = layer.prepare_change(change), copy(self.ages[name])
        ages.change(change, step)
        signs = change.moved(self._known[name].signs, link_signs(change.grown, self._seed, name))

        def commit() -> None:
            follow_links(self._optimizer, layer, change_links())
            self.ages[name] = ages
            self._known[name] = _Known(change.cells, signs, layer.link_stamp)

        return commit

    def _clear_off_links(self, layer: SparseLinear, links: LayerLinks) -> None:
        """Mask the weights off the links without checking them first, as each step is an update."""
        layer.mask_off_links()

    def _links_of(self, name: str, layer: SparseLinear) -> LayerLinks:
        return self._moved[name] if self._moved else super()._links_of(name, layer)

    @torch.no_grad()
    def _moved_links(self, name: str, layer: SparseLinear, step: int) -> LayerLinks:
        known, method = self._find(name, layer), self._method
        links = LayerLinks(known.cells, layer.values_at(known.cells), layer.shape, signs=known.signs)
        if not layer.link_parameter.requires_grad:
            return replace(links, frozen=True)
        if not (method.l1 or method.noise):
            return links
        field, rate = RandomField(self._seed, name, step, "noise"), self._rates.get(name, 0.0)
        values = langevin_step(links.values, known.cells, known.signs, rate, method.l1, method.noise, field)
        return replace(links, values=values)

    def _find(self, name: str, layer: SparseLinear) -> _Known:
        """Return the cells and signs of a layer, recomputed if other code has changed its links."""
        stamp, known = layer.link_stamp, self._known.get(name)
        if known is None or known.stamp[0] is not stamp[0] or known.stamp[1] != stamp[1]:
            cells = layer.cells()
            known = self._known[name] = _Known(cells, link_signs(cells, self._seed, name), stamp)
        return known


def _number(rate: float | Tensor) -> float | Tensor:
    """Return a learning rate as a number; one on an accelerator stays a tensor, so that the host does not wait."""
    if isinstance(rate, Tensor) and is_asynchronous(rate.device):
        return rate.to(torch.float64, copy=True)
    return float(rate)


def _check_signs(layers: Mapping[str, SparseLinear], seed: int) -> None:
    """Check the signs of the links in all layers that are not frozen."""
    for name, layer in layers.items():
        if not layer.link_parameter.requires_grad:
            continue
        n_wrong = int((layer.link_values() * link_signs(layer.cells(), seed, name) < 0).sum())
        if n_wrong:
            raise InvalidValueError(
                f"{n_wrong} of {layer.n_links} links of layer {name!r} do not have the sign that seed={seed} gives "
                "them: sparsify the model with this method and the scheduler's seed; to resume training, pass "
                "state=topology.state_dict()"
            )


def _change(update: LayerUpdate, links: LayerLinks) -> LinkChange | None:
    """Return how an update changes the links of a layer, or None; links that return count as both lost and grown."""
    lost, grown = update.lost, update.cells["regrown"]
    if not len(lost) and not len(grown):
        return None
    both = (torch.from_numpy(cells).to(links.cells.device) for cells in (lost, grown))
    return LinkChange.of(links.cells, *both)
