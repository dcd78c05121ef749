"""Copies and pickles of a scheduler, together with its model and optimizer: what they take along of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from topolearn.distributed import ShardedLinear
from topolearn.errors import InvalidValueError
from topolearn.evolution.attach import attach, is_attached
from topolearn.evolution.gradients import Gradients
from topolearn.evolution.optimizer_watch import OptimizerWatch
from topolearn.evolution.ordinary import Layers

if TYPE_CHECKING:
    from topolearn.evolution.scheduler import TopologyScheduler


class InProgress(NamedTuple):
    """What a copy must know besides the state of the training.

    Attributes
    ----------
    took_step : bool
        Whether the optimizer took a step that is not yet counted.
    gradients : dict of str to Tensor
        Those of the links in that step.
    attached : bool
        Whether the optimizer calls the scheduler.
    """

    took_step: bool
    gradients: dict[str, Tensor]
    attached: bool

    @classmethod
    def of(cls, topology: TopologyScheduler, watch: OptimizerWatch, gradients: Gradients) -> InProgress:
        """Return it of a scheduler."""
        return cls(watch.took_step, gradients.links, is_attached(topology))

    def resume(self, topology: TopologyScheduler, watch: OptimizerWatch, gradients: Gradients) -> None:
        """Give it to the copy."""
        watch.took_step, gradients.links = self.took_step, self.gradients
        if self.attached:
            attach(topology.optimizer, topology)


def check_copied(layers: Layers, *, is_group_given: bool) -> None:
    """Refuse to copy or pickle what a copy would lose.

    Raises
    ------
    InvalidValueError
        When a layer holds gradients of a backward pass, or the process group was given.
    """
    for name, layer in layers.items():
        if isinstance(layer, ShardedLinear):
            raise InvalidValueError(
                f"layer {name!r} is shared out over ranks, and its TopologyScheduler can neither be copied nor "
                "pickled: save topology.state_dict() by torch.distributed.checkpoint"
            )
        if layer.record is not None and not layer.record.is_empty:
            raise InvalidValueError(
                f"layer {name!r} holds the gradients of a backward pass for the coming update, which a copy of the "
                "TopologyScheduler would lose: copy or pickle it after topology.step(), before the next backward pass"
            )
    if is_group_given:
        raise InvalidValueError(
            "a TopologyScheduler that was given process_group= can neither be copied nor pickled, as the group cannot: "
            "make another with its group, and give it the state_dict() of this one by load_state_dict"
        )
