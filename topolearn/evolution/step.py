"""One evolution step: density decay, removal, percolation, regrowth (Figure 1 of the paper), on the links alone."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from topolearn.errors import InvalidValueError, TopolearnError
from topolearn.evolution.constant_fan_in import rewire_with_constant_fan_in
from topolearn.evolution.heads import Heads, heads_of
from topolearn.evolution.links import LayerLinks, Targets, merged, within, without
from topolearn.evolution.method import Method
from topolearn.evolution.parts import split_soft
from topolearn.evolution.percolation import percolated
from topolearn.evolution.pruning import prune
from topolearn.evolution.regrowth import REGROWTHS, Site
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.evolution.schedules import SOFTNESS_SCHEDULES, ZETA_SCHEDULES
from topolearn.evolution.update import LayerUpdate
from topolearn.graph import NeuronGroup
from topolearn.sampling import RandomField, sample, top

Cells = dict[str, Tensor]


def evolve(
    layers: Mapping[str, LayerLinks],
    groups: Sequence[NeuronGroup],
    method: Method,
    *,
    progress: float,
    seed: int,
    index: int,
    targets: Targets | None = None,
    rewire: bool = True,
) -> tuple[Cells, dict[str, LayerUpdate]]:
    """Compute the links of each layer after one evolution step; nothing is changed in place.

    Parameters
    ----------
    layers : Mapping of str to LayerLinks
        Weights and links by layer name.
    groups : sequence of NeuronGroup
        How the layers' neurons meet; percolation follows these.
    method : Method
        A method that evolves.
    progress : float
        Share of the evolution that has passed, in [0, 1].
    seed, index : int
        Seed of the run and number of the update: with the layer's name they fix every draw.
    targets : Targets, optional
        How many links the layers that are not frozen are to have; default as many as before.
    rewire : bool
        Whether links are removed and regrown, besides those that a falling density prunes.

    Returns
    -------
    cells : dict of str to Tensor of int64
        The links of each layer after the step, as sorted flat positions.
    updates : dict of str to LayerUpdate
        What happened.

    Raises
    ------
    InvalidValueError
        When a gradient that a score asks for is missing or not finite; the message names the layer.
    """
    shapes = {name: layer.shape for name, layer in layers.items()}
    heads = Heads(shapes, heads_of(groups, shapes) if method.per_head else {})
    if targets is None:
        present = {name: layer.cells.numel() for name, layer in layers.items() if not layer.frozen}
        targets = Targets(present, present, anew=method.chooses_anew)
    wholes, layers = layers, heads.layers(layers)  # with ``per_head`` each head is a layer from here on
    targets = heads.targets(targets, layers)
    free = {name: layer for name, layer in layers.items() if not layer.frozen}
    before = {name: layer.cells for name, layer in layers.items()}
    pruned = {**before}
    if (targets.decays or targets.anew) and free:
        pruned |= prune(free, targets, method, seed=seed, index=index)
    kept, survivors, after = {**pruned}, {**pruned}, {**pruned}
    removed, grown = ({name: cells[:0] for name, cells in before.items()} for _ in range(2))
    rewires = rewire and method.removal is not None
    if rewires and method.constant_fan_in:
        for name, layer in free.items():
            field = RandomField(seed, name, index, "removal")
            kept[name], after[name] = _rewire_neurons(name, layer, targets.after[name], method, progress, field)
            removed[name], grown[name] = without(pruned[name], kept[name]), without(after[name], kept[name])
        survivors = kept
    elif rewires:
        for name, layer in free.items():
            field = RandomField(seed, name, index, "removal")
            each = layer.among(pruned[name])
            kept[name], removed[name] = _keep(each, targets.final[name], method, progress, field)
        survivors = kept
        if method.percolation:
            frozen = {name for name, layer in wholes.items() if layer.frozen}
            unit = method.percolation_unit
            survivors = heads.split(percolated(heads.join(kept), shapes, groups, unit=unit, frozen=frozen))
        for name, layer in free.items():
            n_regrow = pruned[name].numel() - survivors[name].numel()
            if n_regrow:
                grown[name] = _regrow(name, layer, survivors[name], n_regrow, method, seed, index)
            after[name] = merged(survivors[name], grown[name]) if n_regrow else survivors[name]
    if not method.constant_fan_in:  # whose update checks the fan-ins
        _check_counts(after, pruned, targets, free)
    stages = [heads.join(cells) for cells in (before, pruned, removed, kept, survivors, grown)]
    return heads.join(after), {
        name: _events(layer.shape, *(cells[name] for cells in stages), decays=targets.decays)
        for name, layer in wholes.items()
    }


def _keep(
    layer: LayerLinks, n_final: int, method: Method, progress: float, field: RandomField
) -> tuple[Tensor, Tensor]:
    """Return the links that removal keeps, and those that it removes."""
    assert method.removal is not None
    n_keep = _n_keep(layer.cells.numel(), n_final, method, progress)
    name, soft = split_soft(method.removal)
    scores = REMOVAL_SCORES[name](layer, method.score_params)
    if REMOVAL_SCORES[name].is_test:
        fails = scores <= 0
        removed = layer.cells[fails]
        return (layer.cells[~fails] if removed.numel() else layer.cells), removed
    if soft:
        exponent = SOFTNESS_SCHEDULES[method.softness_schedule](method.softness, progress)
        kept = sample(layer.cells, scores, n_keep, field, exponent=exponent)
    else:
        kept = top(layer.cells, scores, n_keep, field)
    return kept, without(layer.cells, kept)


def _n_keep(n_links: int, n_final: int, method: Method, progress: float) -> int:
    """Return how many links removal keeps: ``n - floor(zeta n)`` of n, or as many as in the end."""
    if method.zeta is None:
        return n_final
    return n_links - int(ZETA_SCHEDULES[method.zeta_schedule](method.zeta, progress) * n_links)


def _rewire_neurons(
    name: str, layer: LayerLinks, target: int, method: Method, progress: float, field: RandomField
) -> tuple[Tensor, Tensor]:
    """Return the links that an update with constant fan-in keeps, and those after it."""
    n_keep = _n_keep(layer.cells.numel(), target, method, progress)
    try:
        return rewire_with_constant_fan_in(
            layer, target, n_keep, field, ablation=method.ablation, allow_return=method.allow_return
        )
    except InvalidValueError as error:
        raise InvalidValueError(f"layer {name!r}: {error}") from None


def _regrow(name: str, layer: LayerLinks, survivors: Tensor, k: int, method: Method, seed: int, index: int) -> Tensor:
    """Return k new links, chosen among the non-links of the graph of the survivors."""
    assert method.regrowth is not None
    score, soft = split_soft(method.regrowth)
    barred = survivors[:0]
    if not method.allow_return:
        n_free = layer.shape[0] * layer.shape[1] - survivors.numel()
        barred = _barred(without(layer.cells, survivors), k, n_free, RandomField(seed, name, index, "return"))
    site = Site(survivors, layer.shape, barred, layer.record)
    try:
        return REGROWTHS[score].choose(site, k, RandomField(seed, name, index, "regrowth"), soft)
    except InvalidValueError as error:
        raise InvalidValueError(f"layer {name!r}: {error}") from None


def _barred(lost: Tensor, k: int, n_free: int, field: RandomField) -> Tensor:
    """Return the lost links that must not grow again: all but those, at random, that are needed to find k cells."""
    n_needed = max(k + lost.numel() - n_free, 0)
    return without(lost, top(lost, torch.ones_like(lost), n_needed, field)) if n_needed else lost


def _events(
    shape: tuple[int, int],
    before: Tensor,
    pruned: Tensor,
    removed: Tensor,
    kept: Tensor,
    survivors: Tensor,
    grown: Tensor,
    *,
    decays: bool,
) -> LayerUpdate:
    """Return what happened to a layer, from its links after each stage of the step, those removed, and those grown.

    Not all that is pruned or kept was a link before, where pruned weights return from ``stored``. What is lost where
    the density does not fall, as links are chosen anew, is removed.
    """
    lost, removed = without(before, pruned), within(removed, before)
    regrown = torch.cat((grown, within(without(pruned, before), survivors))).unique()
    events = {
        "decayed": lost if decays else lost[:0],
        "removed": removed if decays else torch.cat((lost, removed)),
        "percolated": within(without(kept, survivors), before),
        "regrown": regrown,
    }
    return LayerUpdate(shape, {event: np.sort(cells.cpu().numpy()) for event, cells in events.items()})


def _check_counts(
    after: Mapping[str, Tensor], pruned: Mapping[str, Tensor], targets: Targets, free: Mapping[str, LayerLinks]
) -> None:
    """Assert that each layer has its scheduled number of distinct links, and pooled layers together the sum."""
    for name in free:
        expected = pruned[name].numel() if targets.pooled else targets.after[name]
        if after[name].numel() != expected or bool((after[name].diff() <= 0).any()):
            raise TopolearnError(f"internal error in layer {name!r}: {after[name].numel()} links, not {expected}")
    total, scheduled = sum(pruned[name].numel() for name in free), sum(targets.after.values())
    if total != scheduled:
        raise TopolearnError(f"internal error: {total} links in all, not {scheduled}")
