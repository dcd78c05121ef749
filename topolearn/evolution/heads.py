"""Attention heads as layers of their own: the rows of each are removed and regrown apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from topolearn.evolution.links import LayerLinks, Targets
from topolearn.graph import NeuronGroup
from topolearn.sparse import GradientRecord
from topolearn.sparse.gradient_record import RowsRecord

Shapes = Mapping[str, tuple[int, int]]
Cells = dict[str, Tensor]


def heads_of(groups: Sequence[NeuronGroup], shapes: Shapes) -> dict[str, int]:
    """Return the number of heads of each layer that writes to more than one: of queries, keys and values.

    Examples
    --------
    >>> group = NeuronGroup(("q", "k"), (), "all", heads=4)
    >>> heads_of([group], {"q": (12, 8), "k": (6, 8)})
    {'q': 4, 'k': 2}
    """
    found = {}
    for group in groups:
        width = group.n_neurons(shapes) // group.heads
        found.update({name: shapes[name][0] // width for name in group.writers if shapes[name][0] > width})
    return found


class Heads:
    """Splits layers into their heads, which are blocks of rows and so of cells, and joins them again.

    Parameters
    ----------
    shapes : Mapping of str to (int, int)
        Numbers of output and input neurons of each layer.
    heads : Mapping of str to int
        Number of heads of the layers that are to be split; all others stay whole.
    """

    def __init__(self, shapes: Shapes, heads: Mapping[str, int]) -> None:
        self._shapes = shapes
        self._parts = {
            name: [f"{name}, head {i}" for i in range(heads[name])] if name in heads else [name] for name in shapes
        }

    def layers(self, layers: Mapping[str, LayerLinks]) -> dict[str, LayerLinks]:
        """Return the heads of layers, or whole ones, as layers."""
        return {
            part: _rows(layer, first, last) if len(self._parts[name]) > 1 else layer
            for name, layer in layers.items()
            for part, first, last in self._bounds(name)
        }

    def split(self, cells: Mapping[str, Tensor]) -> Cells:
        """Return the cells of layers as cells of their heads."""
        return {
            part: _within(each, first * n_in, last * n_in) - first * n_in if len(self._parts[name]) > 1 else each
            for name, each in cells.items()
            for n_in in (self._shapes[name][1],)
            for part, first, last in self._bounds(name)
        }

    def join(self, cells: Mapping[str, Tensor]) -> Cells:
        """Return the cells of heads as cells of their layers."""
        joined = {}
        for name, parts in self._parts.items():
            n_in = self._shapes[name][1]
            of_layer = [cells[part] + first * n_in if first else cells[part] for part, first, _ in self._bounds(name)]
            joined[name] = torch.cat(of_layer) if len(parts) > 1 else of_layer[0]
        return joined

    def targets(self, targets: Targets, layers: Mapping[str, LayerLinks]) -> Targets:
        """Share out what layers are to have among their heads, in proportion to the links that these have."""
        after: dict[str, int] = {}
        final: dict[str, int] = {}
        for name, total in targets.after.items():
            parts = self._parts[name]
            present = [layers[part].cells.numel() for part in parts]
            after |= dict(zip(parts, _shares(total, present), strict=True))
            final |= dict(zip(parts, _shares(targets.final[name], present), strict=True))
        return Targets(
            after,
            {part: min(n, after[part]) for part, n in final.items()},
            targets.decays,
            targets.pooled,
            targets.anew,
        )

    def _bounds(self, name: str) -> list[tuple[str, int, int]]:
        """Return each part of a layer with the first of its rows and the one behind its last."""
        parts = self._parts[name]
        width = self._shapes[name][0] // len(parts)
        return [(part, i * width, (i + 1) * width) for i, part in enumerate(parts)]


def _within(cells: Tensor, first: int, last: int) -> Tensor:
    return cells[_places(cells, first, last)]


def _places(cells: Tensor, first: int, last: int) -> slice:
    bounds = torch.tensor([first, last], device=cells.device)
    return slice(*torch.searchsorted(cells, bounds).tolist())


def _rows(layer: LayerLinks, first: int, last: int) -> LayerLinks:
    """Return a layer's rows from ``first`` up to ``last`` as a layer."""
    n_in = layer.shape[1]
    places = _places(layer.cells, first * n_in, last * n_in)
    record: GradientRecord | None = None if layer.record is None else RowsRecord(layer.record, first, last)
    return LayerLinks(
        layer.cells[places] - first * n_in,
        layer.values[places],
        (last - first, n_in),
        None if layer.gradient is None else layer.gradient[places],
        record,
        None if layer.stored is None else layer.stored[first * n_in : last * n_in],
        layer.frozen,
        layer.is_output,
        None if layer.signs is None else layer.signs[places],
    )


def _shares(total: int, present: Sequence[int]) -> list[int]:
    """Return integers that add up to the total, in proportion to the present ones; the largest remainders round up."""
    whole = max(sum(present), 1)
    shares = [total * each // whole for each in present]
    order = sorted(range(len(present)), key=lambda i: -(total * present[i] % whole))
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return shares
