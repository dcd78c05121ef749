"""`attach`: let the optimizer call the topology scheduler after each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from topolearn.errors import InvalidValueError
from topolearn.evolution.per_link.optimizer_state import unwrapped
from topolearn.evolution.scheduling.replay import is_capturing

if TYPE_CHECKING:
    from topolearn.evolution.scheduling.scheduler import TopologyScheduler


def attach(optimizer: Optimizer, topology: TopologyScheduler) -> RemovableHandle:
    """Make the optimizer call ``topology.step()`` after each of its own steps.

    A scheduler is attached only once: further calls return the handle of the first. A copy of an attached scheduler,
    made together with its optimizer, is attached as well.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The optimizer that ``topology`` was created with, bare or in a wrapper.
    topology : TopologyScheduler

    Returns
    -------
    torch.utils.hooks.RemovableHandle
        ``handle.remove()`` detaches the scheduler. The latest update is in ``topology.last_update``.

    Raises
    ------
    InvalidValueError
        When ``topology`` belongs to another optimizer.
    """
    inner = unwrapped(optimizer)
    if topology.optimizer is not inner:
        raise InvalidValueError("the topology scheduler was created with another optimizer: attach that one")

    if topology.attachment is not None and is_attached(topology):
        return topology.attachment

    def evolve_topology(*_: Any) -> None:
        if not is_capturing():  # the user counts replayed steps, with topology.step(replayed=True)
            topology.step()

    topology.attachment = inner.register_step_post_hook(evolve_topology)
    return topology.attachment


def is_attached(topology: TopologyScheduler) -> bool:
    """Return whether the optimizer calls the scheduler: it is attached and its handle was not removed."""
    handle = topology.attachment
    return handle is not None and handle.id in (handle.hooks_dict_ref() or {})
