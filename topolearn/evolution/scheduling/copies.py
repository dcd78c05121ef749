"""Copying and pickling a scheduler together with its model and optimizer, in the middle of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from topolearn.distributed import ShardedLinear
from topolearn.errors import InvalidValueError
from topolearn.evolution.ordinary import Layers
from topolearn.evolution.scheduling.attach import attach, is_attached
from topolearn.evolution.scheduling.gradients import Gradients
from topolearn.evolution.scheduling.optimizer_watch import OptimizerWatch

if TYPE_CHECKING:
    from topolearn.evolution.scheduling.scheduler import TopologyScheduler


class InProgress(NamedTuple):
    """The state of a step in progress, which a copy needs in addition to the training state.

    Attributes
    ----------
    took_step : bool
        Whether the optimizer took a step that has not been counted yet.
    gradients : dict of str to Tensor
        The gradients of the links in that step.
    attached : bool
        Whether the optimizer calls the scheduler.
    """

    took_step: bool
    gradients: dict[str, Tensor]
    attached: bool

    @classmethod
    def of(cls, topology: TopologyScheduler, watch: OptimizerWatch, gradients: Gradients) -> InProgress:
        """Return the step in progress of a scheduler."""
        return cls(watch.took_step, gradients.links, is_attached(topology))

    def resume(self, topology: TopologyScheduler, watch: OptimizerWatch, gradients: Gradients) -> None:
        """Restore the step in progress in the copy."""
        watch.took_step, gradients.links = self.took_step, self.gradients
        if self.attached:
            attach(topology.optimizer, topology)


def check_copied(layers: Layers, *, is_group_given: bool) -> None:
    """Check that a copy or pickle would not lose anything.

    Raises
    ------
    InvalidValueError
        When a layer holds gradients of a backward pass, or the process group was given.
    """
    for name, layer in layers.items():
        if isinstance(layer, ShardedLinear):
            raise InvalidValueError(
                f"layer {name!r} is sharded across ranks, so its TopologyScheduler cannot be copied or pickled: save "
                "topology.state_dict() with torch.distributed.checkpoint"
            )
        if layer.record is not None and not layer.record.is_empty:
            raise InvalidValueError(
                f"layer {name!r} holds gradients of a backward pass for the next update, which a copy of the "
                "TopologyScheduler would lose: copy or pickle it after topology.step(), before the next backward pass"
            )
    if is_group_given:
        raise InvalidValueError(
            "a TopologyScheduler created with process_group= cannot be copied or pickled, because process groups "
            "cannot: create another scheduler with its own group, and pass the state_dict() of this one to its "
            "load_state_dict"
        )
