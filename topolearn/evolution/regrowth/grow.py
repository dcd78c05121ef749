"""Growing the links of several layers: one by one on the CPU, all layers of a shape at once on an accelerator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.regrowth.site import RegrowthScore, Site
from topolearn.evolution.step.each_layer import of_each
from topolearn.sampling import INVALID, RandomField, are_valid, choose_among_all
from topolearn.sparse import NOT_FINITE
from topolearn.waiting import Readings, is_asynchronous

CELLS = 2**24  # limit on the scores in memory at a time, in float64 with their draws


class GrowthSite(NamedTuple):
    """Where links of a layer grow, how many, and with which random field."""

    name: str
    site: Site
    k: int
    field: RandomField


def grow(score: RegrowthScore, sites: Sequence[GrowthSite], readings: Readings, *, soft: bool) -> dict[str, Tensor]:
    """Return the links that grow in each layer, sorted.

    Raises
    ------
    InvalidValueError
        When a score is invalid; the message names the layer.
    """
    on_device = [each for each in sites if score.matrix is not None and is_asynchronous(each.site.links.device)]
    grown: dict[str, Tensor] = {}
    for alike in _by_shape(on_device):
        grown |= _grow_together(score, alike, readings, soft=soft)
    others = {each.name: each for each in sites if each.name not in grown}
    devices = {each.site.links.device for each in others.values()}
    return grown | of_each(lambda name: _grow_alone(score, others[name], soft=soft), others, devices)


def _by_shape(sites: Sequence[GrowthSite]) -> Iterator[list[GrowthSite]]:
    """Yield groups of equally shaped sites whose scores fit in memory at the same time."""
    by_shape: dict[tuple[int, int], list[GrowthSite]] = {}
    for each in sites:
        by_shape.setdefault(each.site.shape, []).append(each)
    for several in by_shape.values():
        most = max(CELLS // several[0].site.n_cells, 1)
        for first in range(0, len(several), most):
            yield several[first : first + most]


@contextmanager
def _errors_name(layers: str) -> Iterator[None]:
    """Prefix errors with the names of the layers."""
    try:
        yield
    except InvalidValueError as error:
        raise InvalidValueError(f"layer {layers!r}: {error}") from None


def _grow_alone(score: RegrowthScore, each: GrowthSite, *, soft: bool) -> Tensor:
    site = replace(each.site)  # a copy, so that its graph is in memory only during this choice
    with _errors_name(each.name):
        return score.choose(site, each.k, each.field, soft)


def _grow_together(
    score: RegrowthScore, alike: Sequence[GrowthSite], readings: Readings, *, soft: bool
) -> Mapping[str, Tensor]:
    """Choose the links of equally shaped layers from the scores of all their cells."""
    assert score.matrix is not None
    names = ", ".join(each.name for each in alike)
    excluded = [each.site.excluded for each in alike]
    with _errors_name(names):
        scores = score.matrix([each.site for each in alike])
    for each, row, cells in zip(alike, scores, excluded, strict=True):
        row[cells] = 0
        reason = NOT_FINITE if score.needs_gradient else INVALID
        readings.require(are_valid(row), partial(InvalidValueError, f"layer {each.name!r}: {reason}"))
    counts, fields = [each.k for each in alike], [each.field for each in alike]
    chosen = choose_among_all(scores, counts, fields, excluded, soft=soft)
    return {each.name: cells for each, cells in zip(alike, chosen, strict=True)}
