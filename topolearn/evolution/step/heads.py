"""Attention heads as separate layers: links are removed and regrown within each head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from topolearn.evolution.step.links import LayerLinks, Targets
from topolearn.evolution.step.stages import LayerState
from topolearn.graph import NeuronGroup
from topolearn.sparse import GradientRecord
from topolearn.sparse.gradients.record import RowsRecord


def heads_of(groups: Sequence[NeuronGroup], shapes: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Return the number of heads of each layer (queries, keys, values) that writes to more than one.

    Examples
    --------
    >>> group = NeuronGroup(("q", "k"), (), "all", heads=4)
    >>> heads_of([group], {"q": (12, 8), "k": (6, 8)})
    {'q': 4, 'k': 2}
    """
    n_heads = {}
    for group in groups:
        width = group.n_neurons(shapes) // group.heads
        n_heads.update({name: shapes[name][0] // width for name in group.writers if shapes[name][0] > width})
    return n_heads


class Head(NamedTuple):
    """A head of a layer, or the whole layer: its name, its first row, and the row after its last."""

    name: str
    first: int
    last: int


def split_rows(name: str, n_out: int, n_heads: int | None) -> list[Head]:
    """Return the heads of a layer, or the whole layer if it has none.

    Examples
    --------
    >>> split_rows("q", 8, 2)
    [Head(name='q, head 0', first=0, last=4), Head(name='q, head 1', first=4, last=8)]
    """
    if n_heads is None:
        return [Head(name, 0, n_out)]
    width = n_out // n_heads
    return [Head(f"{name}, head {i}", i * width, (i + 1) * width) for i in range(n_heads)]


class Heads:
    """Splits layers into their heads, which are contiguous blocks of rows and cells, and joins them again.

    Parameters
    ----------
    layers : Mapping of str to LayerLinks
    n_heads : Mapping of str to int
        Number of heads of each layer to split; all others stay whole.
    """

    def __init__(self, layers: Mapping[str, LayerLinks], n_heads: Mapping[str, int]) -> None:
        self._layers = layers
        self._heads = {name: split_rows(name, layer.shape[0], n_heads.get(name)) for name, layer in layers.items()}

    def split(self, targets: Targets) -> dict[str, LayerState]:
        """Return the heads as layers; the targets of a layer are split in proportion to the links of its heads."""
        states = {}
        places = self._places({name: layer.cells for name, layer in self._layers.items()})
        for name, heads in self._heads.items():
            layer = self._layers[name]
            links = [layer]
            if len(heads) > 1:
                links = [_rows(layer, head, rows) for head, rows in zip(heads, places[name], strict=True)]
            present = [each.cells.numel() for each in links]
            after, final = (_shares(n.get(name, sum(present)), present) for n in (targets.after, targets.final))
            for head, each, n_after, n_final in zip(heads, links, after, final, strict=True):
                states[head.name] = LayerState.before(head.name, each, n_after, min(n_final, n_after))
        return states

    def join(self, states: Mapping[str, LayerState]) -> dict[str, LayerState]:
        """Return the states of the layers, joined from the states of their heads."""
        return {
            name: states[name] if len(heads) == 1 else self._joined(name, [states[head.name] for head in heads])
            for name, heads in self._heads.items()
        }

    def _joined(self, name: str, states: Sequence[LayerState]) -> LayerState:
        n_in, heads = self._layers[name].shape[1], self._heads[name]

        def whole(cells: Iterable[Tensor]) -> Tensor:
            return torch.cat([each + head.first * n_in for each, head in zip(cells, heads, strict=True)])

        return LayerState(
            name,
            self._layers[name],
            sum(state.n_after for state in states),
            sum(state.n_final for state in states),
            whole(state.pruned for state in states),
            whole(state.removed for state in states),
            whole(state.kept for state in states),
            whole(state.survivors for state in states),
            whole(state.grown for state in states),
        )

    def split_cells(self, cells: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the cells of layers as cells of their heads."""
        split = {}
        places = self._places(cells)
        for name, heads in self._heads.items():
            n_in, whole = self._layers[name].shape[1], cells[name]
            if len(heads) == 1:
                split[heads[0].name] = whole
                continue
            for head, rows in zip(heads, places[name], strict=True):
                split[head.name] = whole[rows] - head.first * n_in
        return split

    def _places(self, cells: Mapping[str, Tensor]) -> dict[str, list[slice]]:
        """Return where the cells of each head are among those of its layer, with one synchronization for all layers."""
        several = {name: heads for name, heads in self._heads.items() if len(heads) > 1}
        if not several:
            return {}
        ends = []
        for name, heads in several.items():
            n_out, n_in = self._layers[name].shape
            bounds = torch.arange(len(heads) + 1, device=cells[name].device) * (n_out // len(heads) * n_in)
            ends.append(torch.searchsorted(cells[name], bounds))
        read = iter(torch.cat(ends).tolist())
        return {
            name: [slice(*pair) for pair in pairwise(islice(read, len(heads) + 1))] for name, heads in several.items()
        }


def _rows(layer: LayerLinks, head: Head, places: slice) -> LayerLinks:
    """Return the rows of a head as a layer."""
    n_in, first, last = layer.shape[1], head.first, head.last
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
    """Return integers with the given total, in proportion to ``present``; the largest remainders round up."""
    whole = max(sum(present), 1)
    shares = [total * each // whole for each in present]
    order = sorted(range(len(present)), key=lambda i: -(total * present[i] % whole))
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return shares
