"""`attach`: let an optimizer call its topology scheduler."""

from typing import Any

from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from topolearn.errors import InvalidValueError
from topolearn.evolution.scheduler import TopologyScheduler


def attach(optimizer: Optimizer, topology: TopologyScheduler) -> RemovableHandle:
    """Let the optimizer call ``topology.step()`` after each of its own steps.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The one that ``topology`` was made with.
    topology : TopologyScheduler

    Returns
    -------
    torch.utils.hooks.RemovableHandle
        ``handle.remove()`` undoes it. The latest update is in ``topology.last_update``.

    Raises
    ------
    InvalidValueError
        When ``topology`` belongs to another optimizer.
    """
    if topology.optimizer is not optimizer:
        raise InvalidValueError("the topology scheduler was made with another optimizer: attach it to that one")

    def evolve_topology(*_: Any) -> None:
        topology.step()

    return optimizer.register_step_post_hook(evolve_topology)
