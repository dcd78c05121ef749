"""What an update makes of the links of a model, wherever they are: in one process, or shared out over ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from topolearn.evolution.kinds import kind_of
from topolearn.evolution.links import LayerLinks, Targets
from topolearn.evolution.model_links import ModelLinks
from topolearn.evolution.sharded.links import ShardedLinks
from topolearn.evolution.sharded.update import evolve_sharded
from topolearn.evolution.stages import Step
from topolearn.evolution.step import Evolution
from topolearn.evolution.update import LayerUpdate
from topolearn.graph import NeuronGroup


class Outcome(NamedTuple):
    """The links of each layer after an update, the trained cells where they are more, and what happened."""

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
        What was read of them: of all rows, or of this rank's.
    groups, step, targets, rewire
        As for `topolearn.evolution.step.Evolution`.
    explores : bool
        Whether more cells are trained after it than the links, if the method does so.
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
