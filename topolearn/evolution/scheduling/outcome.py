"""Computing an update, whether the layers are in one process or sharded across ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from topolearn.evolution.kinds import kind_of
from topolearn.evolution.per_link.model_links import ModelLinks
from topolearn.evolution.sharded.links import ShardedLinks
from topolearn.evolution.sharded.update import evolve_sharded
from topolearn.evolution.step.evolve import Evolution
from topolearn.evolution.step.links import LayerLinks, Targets
from topolearn.evolution.step.stages import Step
from topolearn.evolution.step.update import LayerUpdate
from topolearn.graph import NeuronGroup


class Outcome(NamedTuple):
    """The links after an update, the trained cells of layers that train more, and what happened to each layer."""

    cells: dict[str, Tensor]
    trained: dict[str, Tensor]
    updates: dict[str, LayerUpdate]


def outcome_of(
    links: ModelLinks,
    layers: Mapping[str, LayerLinks],
    groups: Sequence[NeuronGroup],
    step: Step,
    targets: Targets,
    *,
    rewire: bool,
    explores: bool,
) -> Outcome:
    """Compute an update; nothing is changed in place.

    Parameters
    ----------
    links : ModelLinks
        The links of the model.
    layers : Mapping of str to LayerLinks
        The layers as read from ``links``: all rows, or only this rank's rows.
    groups, step, targets, rewire
        As for `topolearn.evolution.step.evolve.Evolution`.
    explores : bool
        Whether a method that trains more cells than the links still does so after this update.
    """
    if isinstance(links, ShardedLinks):
        return Outcome(*evolve_sharded(links, layers, groups, step, targets, rewire=rewire, explores=explores))
    evolution = Evolution(layers, groups, step, targets, rewire=rewire)
    evolution.lose()
    evolution.grow()
    cells, updates = evolution.outcome()
    kind = kind_of(step.method)
    trained = kind.trained_cells(layers, cells, step.seed, step.index) if explores else {}
    return Outcome(cells, trained, updates)
