"""What happened to the links of a layer in a step, computed on their device and copied to the host when read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from topolearn.evolution.step.each_layer import of_each
from topolearn.evolution.step.stages import LayerState
from topolearn.evolution.step.update import EVENTS, LayerUpdate
from topolearn.graph import are_among, union, within, without
from topolearn.waiting import HostCopy, Readings, is_asynchronous, positions


class _Chosen:
    """The cells that a mask selects; the host reads their number together with all other readings."""

    def __init__(self, cells: Tensor, mask: Tensor, readings: Readings) -> None:
        self._cells, self._mask, self.n = cells, mask, 0
        readings.read(mask.sum(), self._count)

    def _count(self, n: int) -> None:
        self.n = n

    def cells(self) -> Tensor:
        """Return the chosen cells, after their number has been read."""
        return self._cells[positions(self._mask, self.n)]


class _Events(NamedTuple):
    """The events of one layer. The lists of an event are disjoint; `again` holds links that were lost and regrew."""

    lists: Mapping[str, tuple[_Chosen, ...]]
    grown: Tensor
    again: _Chosen


class EventCells(Mapping[str, np.ndarray]):
    """The cells of each event of a layer; reading them waits for the copy to the host.

    Parameters
    ----------
    copy : HostCopy
        The events of all layers, concatenated.
    places : Mapping of str to (int, int)
        Where the cells of each event begin and end in the copy.
    """

    def __init__(self, copy: HostCopy, places: Mapping[str, tuple[int, int]]) -> None:
        self._copy, self._places = copy, places
        self._read: dict[str, np.ndarray] = {}

    def __getitem__(self, event: str) -> np.ndarray:
        if event not in self._read:
            first, last = self._places[event]
            self._read[event] = np.sort(self._copy.read()[first:last].numpy())
        return self._read[event]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __reduce__(self) -> tuple[type[dict], tuple[dict[str, np.ndarray]]]:
        return dict, (dict(self),)  # a copy or a pickle holds plain arrays


def updates_of(states: Mapping[str, LayerState], readings: Readings, *, decays: bool) -> dict[str, LayerUpdate]:
    """Return what happened to each layer, after settling all readings of the step.

    Pruned weights can return from ``stored``, so ``pruned`` and ``kept`` can contain cells that were not links before.
    Links that are lost while the density does not fall, because links are re-selected, count as removed.

    Parameters
    ----------
    states : Mapping of str to LayerState
        The layers after the last stage.
    readings : Readings
        What the host has yet to read; this function settles it.
    decays : bool
        Whether the density fell in the step.

    Raises
    ------
    InvalidValueError
        Raised by a reading.
    """
    on_device = {name: state for name, state in states.items() if is_asynchronous(state.layer.cells.device)}
    events = {name: _events_on_device(state, readings, decays=decays) for name, state in on_device.items()}
    readings.settle()
    updates = _copied(events, on_device)
    on_cpu = [name for name in states if name not in on_device]
    updates |= of_each(lambda name: _update(states[name], decays=decays), on_cpu, [])
    return {name: updates[name] for name in states}


def _update(state: LayerState, *, decays: bool) -> LayerUpdate:
    """Return what happened to a layer on the CPU."""
    before, pruned, survivors = state.layer.cells, state.pruned, state.survivors
    lost, removed = without(before, pruned), within(state.removed, before)
    returned = within(without(pruned, before), survivors)
    events = {
        "decayed": lost if decays else lost[:0],
        "removed": removed if decays or not lost.numel() else union(lost, removed),
        "percolated": within(without(state.kept, survivors), before),
        "regrown": torch.cat((state.grown, returned)).unique() if returned.numel() else state.grown,
    }
    return LayerUpdate(state.layer.shape, {event: cells.numpy() for event, cells in events.items()})


def _events_on_device(state: LayerState, readings: Readings, *, decays: bool) -> _Events:
    """Return the same for a layer on an accelerator, counting on the device."""
    before, pruned, kept, survivors = state.layer.cells, state.pruned, state.kept, state.survivors
    lost = _Chosen(before, ~are_among(before, pruned), readings)
    removed = _Chosen(state.removed, are_among(state.removed, before), readings)
    percolated = _Chosen(kept, ~are_among(kept, survivors) & are_among(kept, before), readings)
    returned = _Chosen(pruned, ~are_among(pruned, before) & are_among(pruned, survivors), readings)
    is_again = are_among(state.grown, state.removed) | are_among(state.grown, kept)
    if not decays:
        is_again |= ~are_among(state.grown, pruned)
    again = _Chosen(state.grown, is_again & are_among(state.grown, before), readings)
    lists = {
        "decayed": (lost,) if decays else (),
        "removed": (removed,) if decays else (lost, removed),
        "percolated": (percolated,),
        "regrown": (returned,),
    }
    return _Events(lists, state.grown, again)


def _copied(events: Mapping[str, _Events], states: Mapping[str, LayerState]) -> dict[str, LayerUpdate]:
    """Return the events of all layers, sent to the host in a single copy."""
    lists: list[Tensor] = []
    sizes: dict[str, dict[str, int]] = {}
    for name, each in events.items():
        of_events = {event: [chosen.cells() for chosen in each.lists[event]] for event in EVENTS}
        of_events["regrown"].append(each.grown)
        lists.extend(cells for several in of_events.values() for cells in several)
        sizes[name] = {event: sum(cells.numel() for cells in several) for event, several in of_events.items()}
    if not lists:
        return {}
    copy, start = HostCopy(torch.cat(lists)), 0
    updates = {}
    for name, each in events.items():
        places = {}
        for event, size in sizes[name].items():
            places[event] = (start, start + size)
            start += size
        n_regrown = sizes[name]["regrown"]
        overlap = each.again.n / n_regrown if n_regrown else 0.0
        updates[name] = LayerUpdate(states[name].layer.shape, EventCells(copy, places), overlap)
    return updates
