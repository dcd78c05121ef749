"""Updates of sharded layers: ranks send data to the owner of each layer, which evolves it and broadcasts the result."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from topolearn.distributed import CollectedRecord, Growth, collect_best
from topolearn.distributed.best_of_shards import Asked, check_finite
from topolearn.errors import TopolearnError
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.methods import split_soft
from topolearn.evolution.regrowth import REGROWTHS
from topolearn.evolution.sharded.links import ShardedLinks
from topolearn.evolution.sharded.owners import Component, components_of, owner_by_layer
from topolearn.evolution.step.evolve import Evolution
from topolearn.evolution.step.heads import heads_of, split_rows
from topolearn.evolution.step.links import LayerLinks, Targets
from topolearn.evolution.step.stages import Step
from topolearn.evolution.step.update import EVENTS, LayerUpdate
from topolearn.graph import NeuronGroup, union, without
from topolearn.sparse.weights.packed_links import packed, unpacked

Cells = dict[str, Tensor]


def evolve_sharded(
    links: ShardedLinks,
    layers: Mapping[str, LayerLinks],
    groups: Sequence[NeuronGroup],
    step: Step,
    targets: Targets,
    *,
    rewire: bool,
    explores: bool,
) -> tuple[Cells, Cells, dict[str, LayerUpdate]]:
    """Compute an update of sharded layers; all ranks return the result that a single process would compute.

    Each rank knows the links of all rows. An owner receives the weights of the links (with dense storage, the values of
    all cells) of all layers that it owns and, if links grow by gradient, the best cells of each rank
    (`topolearn.distributed.best_of_shards`). It then broadcasts the lost and grown links. Owners work in parallel.

    Parameters
    ----------
    links : ShardedLinks
    layers : Mapping of str to LayerLinks
        This rank's rows of the layers, as read from ``links``.
    groups, step, targets, rewire, explores
        As for `topolearn.evolution.scheduling.outcome.outcome_of`.

    Returns
    -------
    cells : dict of str to Tensor of int64
        The links of each layer after the update, in all rows.
    trained : dict of str to Tensor of int64
        The trained cells of layers that train more than their links.
    updates : dict of str to LayerUpdate

    Raises
    ------
    InvalidValueError
        On every rank, if a single process would raise.
    """
    exchange, method = links.exchange, step.method
    components = components_of(list(layers), groups, method, exchange.n_ranks)
    owners = owner_by_layer(components)
    wholes = _gathered(links, layers, owners)
    mine = [each for each in components if each.owner == exchange.rank]
    with links.together():
        step.readings.settle()
        evolutions = [
            Evolution({n: wholes[n] for n in each.names}, each.groups, step, each.of(targets), rewire=rewire)
            for each in mine
        ]
        for evolution in evolutions:
            evolution.lose()
    if rewire and method.removal is not None and method.regrowth is not None:
        score, soft = split_soft(method.regrowth)
        if REGROWTHS[score].needs_gradient:
            _collect(links, layers, groups, step, evolutions, owners, soft=soft)
    cells: Cells = {}
    updates: dict[str, LayerUpdate] = {}
    trained: Cells = {}
    with links.together():
        for evolution in evolutions:
            evolution.grow()
            of_component, its_updates = evolution.outcome()
            cells |= of_component
            updates |= its_updates
        if explores:
            owned = {name: wholes[name] for name in cells}
            trained = kind_of(method).trained_cells(owned, cells, step.seed, step.index)
    updates = _broadcast_updates(links, components, updates)
    after = {name: _after(layer.cells(), updates[name]) for name, layer in links.sharded.items()}
    if any(not torch.equal(after[name], each) for name, each in cells.items()):
        raise TopolearnError("internal error: the update that owners broadcast does not lead to their links")
    if explores and kind_of(method).reselects:
        trained = _broadcast_cells(links, owners, trained, [name for name, each in layers.items() if not each.frozen])
    return after, trained, updates


def _gathered(
    links: ShardedLinks, layers: Mapping[str, LayerLinks], owners: Mapping[str, int]
) -> dict[str, LayerLinks]:
    """Return all rows of the layers that this rank owns."""
    exchange = links.exchange
    owned = [name for name, owner in owners.items() if owner == exchange.rank]
    cells = {name: links.sharded[name].cells() for name in owned}
    wholes = {name: replace(layers[name], cells=cells[name], record=None) for name in owned}
    for name in owned:
        if layers[name].record is not None:
            wholes[name] = replace(wholes[name], record=CollectedRecord(wholes[name].shape))
    kept = {name: each.stored if each.stored is not None else each.values for name, each in layers.items()}
    gradients = {name: each.gradient for name, each in layers.items() if each.gradient is not None}
    stored = {name for name, each in layers.items() if each.stored is not None}
    for name, values in _to_owners(links, kept, owners, cells, of_cells=stored).items():
        if name in stored:
            wholes[name] = replace(wholes[name], stored=values, values=values[cells[name]])
        else:
            wholes[name] = replace(wholes[name], values=values)
    if gradients:
        for name, values in _to_owners(links, gradients, owners, cells).items():
            wholes[name] = replace(wholes[name], gradient=values)
    return wholes


def _to_owners(
    links: ShardedLinks,
    own: Mapping[str, Tensor],
    owners: Mapping[str, int],
    cells: Mapping[str, Tensor],
    *,
    of_cells: Container[str] = (),
) -> dict[str, Tensor]:
    """Send this rank's values of each layer to the owner, and return the values of all rows of the owned layers.

    There is a value for each link in a rank's rows, or for each cell in the layers of ``of_cells``.
    """
    exchange, ranks = links.exchange, range(links.exchange.n_ranks)
    none = torch.empty(0, dtype=torch.uint8, device=exchange.device)
    pieces = [
        torch.cat([none, *(_as_bytes(each) for name, each in own.items() if owners[name] == rank)]) for rank in ranks
    ]
    counts: dict[str, list[int]] = {}
    for name in (name for name in own if owners[name] == exchange.rank):
        layer = links.sharded[name]
        ends, bounds = layer.shard.ends(cells[name]), layer.shard.bounds
        first = [bound * layer.in_features for bound in bounds] if name in of_cells else ends
        counts[name] = [(first[i + 1] - first[i]) * own[name].element_size() for i in ranks]
    arrived = exchange.all_to_all(pieces, [sum(each[i] for each in counts.values()) for i in ranks])
    split = [piece.split([each[i] for each in counts.values()]) for i, piece in enumerate(arrived)]
    return {name: torch.cat([of_rank[i] for of_rank in split]).view(own[name].dtype) for i, name in enumerate(counts)}


def _as_bytes(values: Tensor) -> Tensor:
    return values.detach().contiguous().view(torch.uint8)


def _collect(
    links: ShardedLinks,
    layers: Mapping[str, LayerLinks],
    groups: Sequence[NeuronGroup],
    step: Step,
    evolutions: Sequence[Evolution],
    owners: Mapping[str, int],
    *,
    soft: bool,
) -> None:
    """Send the owners the gradients by which links can grow."""
    free = {name: links.sharded[name] for name, layer in layers.items() if not layer.frozen}
    shapes = {name: layer.shape for name, layer in links.sharded.items()}
    n_heads = heads_of(groups, shapes) if step.method.per_head else {}
    heads = {name: split_rows(name, shapes[name][0], n_heads.get(name)) for name in free}
    growths = [
        Growth(name, head.first, head.last, step.field(head.name, "regrowth")) for name in free for head in heads[name]
    ]
    with links.together():
        check_finite(free)
    sites = {site.name: site for evolution in evolutions for site in evolution.sites()}
    none = torch.empty(0, dtype=torch.int64, device=links.exchange.device)
    asked = {}
    for name in (name for name in free if owners[name] == links.exchange.rank):
        growing = [(head, sites[head.name]) for head in heads[name] if head.name in sites]
        n_in = shapes[name][1]
        excluded = torch.cat([none, *(site.site.excluded + head.first * n_in for head, site in growing)])
        asked[name] = Asked([sites[head.name].k if head.name in sites else 0 for head in heads[name]], excluded)
    collected = collect_best(links.exchange, free, growths, {name: owners[name] for name in free}, asked, soft=soft)
    for evolution in evolutions:
        evolution.learn(collected)


def _broadcast_updates(
    links: ShardedLinks, components: Sequence[Component], updates: Mapping[str, LayerUpdate]
) -> dict[str, LayerUpdate]:
    """Return what happened to all layers, as broadcast by their owners."""
    exchange, owners = links.exchange, owner_by_layer(components)
    names = list(owners)
    sizes = torch.zeros(len(names), len(EVENTS), dtype=torch.int64, device=exchange.device)
    for i, name in enumerate(names):
        if name in updates:
            sizes[i] = torch.tensor([len(updates[name].cells[event]) for event in EVENTS])
    counts = exchange.sum(sizes.flatten()).view(sizes.shape).tolist()
    shared: dict[str, LayerUpdate] = {}
    for rank in range(exchange.n_ranks):
        owned = [i for i, name in enumerate(names) if owners[name] == rank]
        total = sum(sum(counts[i]) for i in owned)
        cells = torch.zeros(total, dtype=_cell_dtype(links), device=exchange.device)
        if rank == exchange.rank and total:
            lists = [updates[names[i]].cells[event] for i in owned for event in EVENTS]
            cells.copy_(torch.from_numpy(np.concatenate(lists)))
        values = (exchange.broadcast(cells, rank) if total else cells).to(torch.int64).cpu().numpy()
        pieces = iter(np.split(values, np.cumsum([n for i in owned for n in counts[i]])[:-1] if owned else []))
        for i in owned:
            shared[names[i]] = LayerUpdate(links.sharded[names[i]].shape, {event: next(pieces) for event in EVENTS})
    return {name: shared[name] for name in links.sharded}


def _broadcast_cells(
    links: ShardedLinks, owners: Mapping[str, int], cells: Mapping[str, Tensor], names: Sequence[str]
) -> Cells:
    """Return cells of all layers, broadcast by their owners as bits."""
    shared = {}
    for name in names:
        layer = links.sharded[name]
        bits = torch.zeros(layer.bits.shape, dtype=torch.uint8, device=links.exchange.device)
        if name in cells:
            mask = torch.zeros(layer.shape, dtype=torch.bool, device=bits.device)
            mask.view(-1)[cells[name]] = True
            bits = packed(mask)
        bits = links.exchange.broadcast(bits, owners[name])
        shared[name] = unpacked(bits, layer.in_features).flatten().nonzero().squeeze(1)
    return shared


def _after(cells: Tensor, update: LayerUpdate) -> Tensor:
    """Apply an update to the links before it."""
    lost, grown = (torch.from_numpy(each).to(cells.device) for each in (update.lost, update.cells["regrown"]))
    return union(without(cells, lost), grown)


def _cell_dtype(links: ShardedLinks) -> torch.dtype:
    """Return the smallest integer dtype for the cells of all layers."""
    n_cells = max(layer.out_features * layer.in_features for layer in links.sharded.values())
    return torch.int32 if n_cells <= torch.iinfo(torch.int32).max else torch.int64
