"""`attach`: an optimizer that calls the scheduler after each of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from topolearn.errors import InvalidValueError
from topolearn.evolution.optimizer_state import unwrapped

if TYPE_CHECKING:
    from topolearn.evolution.scheduler import TopologyScheduler


def attach(optimizer: Optimizer, topology: TopologyScheduler) -> RemovableHandle:
    """Let the optimizer call ``topology.step()`` after each of its own steps.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The one that ``topology`` was made with, bare or in a wrapper.
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
    inner = unwrapped(optimizer)
    if topology.optimizer is not inner:
        raise InvalidValueError("the topology scheduler was made with another optimizer: attach it to that one")

    def evolve_topology(*_: Any) -> None:
        topology.step()

    return inner.register_step_post_hook(evolve_topology)
