"""One evolution step: removal, percolation, regrowth (Figure 1 of the paper), on the links alone."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from topolearn.errors import TopolearnError
from topolearn.evolution.method import Method, split_soft
from topolearn.evolution.regrowth import REGROWTHS
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.evolution.schedules import ZETA_SCHEDULES, softness_exponent
from topolearn.evolution.update import LayerUpdate, edges_of
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup, percolate
from topolearn.sampling import RandomField, sample, top


@dataclass(frozen=True)
class LayerLinks:
    """The links of one layer when a step begins.

    Attributes
    ----------
    cells : Tensor of int64, shape (n_links,)
        The links as sorted flat positions, ``output * n_in + input``.
    values : Tensor, shape (n_links,)
        Their weights.
    shape : (int, int)
        Numbers of output and input neurons.
    """

    cells: Tensor
    values: Tensor
    shape: tuple[int, int]

    @classmethod
    def of(cls, weight: Tensor, mask: Tensor) -> "LayerLinks":
        """Return the links of a dense weight, shape (n_out, n_in), where a mask of that shape is true."""
        n_out, n_in = weight.shape
        return cls(mask.flatten().nonzero().squeeze(1), weight.detach()[mask], (n_out, n_in))


def evolve(
    layers: Mapping[str, LayerLinks],
    groups: Sequence[NeuronGroup],
    method: Method,
    *,
    progress: float,
    seed: int,
    index: int,
) -> tuple[dict[str, Tensor], dict[str, LayerUpdate]]:
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

    Returns
    -------
    cells : dict of str to Tensor of int64
        The links of each layer after the step, as sorted flat positions; as many as before.
    updates : dict of str to LayerUpdate
        What happened.
    """
    before = {name: layer.cells for name, layer in layers.items()}
    kept = {
        name: _keep(layer, method, progress, RandomField(seed, name, index, "removal"))
        for name, layer in layers.items()
    }
    percolated = _percolate(kept, layers, groups) if method.percolation else {}
    after, updates = {}, {}
    for name, layer in layers.items():
        survivors = _without(kept[name], percolated[name]) if name in percolated else kept[name]
        n_regrow = before[name].numel() - survivors.numel()
        field = RandomField(seed, name, index, "regrowth")
        regrown = _regrow(layer.shape, survivors, n_regrow, method, field)
        after[name] = torch.cat((survivors, regrown)).sort().values
        if torch.unique(after[name]).numel() != before[name].numel():
            raise TopolearnError(
                f"internal error in layer {name!r}: {after[name].numel()} links instead of {before[name].numel()}"
            )
        lost = {"removed": _without(before[name], kept[name]), "percolated": _without(kept[name], survivors)}
        events = {"decayed": before[name][:0], **lost, "regrown": regrown}
        n_in = layer.shape[1]
        updates[name] = LayerUpdate(**{event: edges_of(x.cpu().numpy(), n_in) for event, x in events.items()})
    return after, updates


def _keep(layer: LayerLinks, method: Method, progress: float, field: RandomField) -> Tensor:
    """Return the links that removal keeps: ``n - floor(zeta n)`` of them."""
    assert method.removal is not None
    zeta = ZETA_SCHEDULES[method.zeta_schedule](method.zeta, progress)
    n_keep = layer.cells.numel() - int(zeta * layer.cells.numel())
    name, soft = split_soft(method.removal)
    scores = REMOVAL_SCORES[name](layer.values)
    if not soft:
        return top(layer.cells, scores, n_keep, field)
    return sample(layer.cells, scores, n_keep, field, exponent=softness_exponent(method.softness, progress))


def _percolate(
    kept: Mapping[str, Tensor], layers: Mapping[str, LayerLinks], groups: Sequence[NeuronGroup]
) -> dict[str, Tensor]:
    """Return the links that percolation removes, by layer; none at all if it would empty a layer."""
    graphs = {}
    for name, cells in kept.items():
        graphs[name] = _graph(cells, layers[name].shape)
    percolated, removed = percolate(LayeredNetwork(graphs, groups=groups))
    emptied = [name for name, graph in percolated.graphs.items() if graph.n_links == 0 and graphs[name].n_links > 0]
    if emptied:
        warnings.warn(
            f"percolation would leave layer {emptied[0]!r} without links; it is left out at this update: "
            "raise the density or lower zeta",
            stacklevel=2,
        )
        return {}
    return {
        name: torch.from_numpy(edges[:, 1] * graphs[name].n_in + edges[:, 0]).to(kept[name].device)
        for name, edges in removed.items()
    }


def _regrow(shape: tuple[int, int], survivors: Tensor, k: int, method: Method, field: RandomField) -> Tensor:
    """Return k new links, chosen among the non-links of the graph of the survivors."""
    assert method.regrowth is not None
    name, soft = split_soft(method.regrowth)
    return REGROWTHS[name](_graph(survivors, shape), k, field, soft, survivors.device)


def _graph(cells: Tensor, shape: tuple[int, int]) -> BipartiteGraph:
    n_out, n_in = shape
    return BipartiteGraph.from_cells(cells.cpu().numpy(), n_in, n_out)


def _without(cells: Tensor, others: Tensor) -> Tensor:
    """Return the cells that are not among the others."""
    return cells[~torch.isin(cells, others)]
