"""Which ranks share the layers of a model."""

from __future__ import annotations

import torch.distributed as dist
from torch import nn

from topolearn.distributed.sharded_linear import ShardedLinear
from topolearn.errors import InvalidTypeError, InvalidValueError


def shared_group(model: nn.Module, process_group: dist.ProcessGroup | None = None) -> dist.ProcessGroup | None:
    """Return the process group whose ranks share the layers of a model, or None if there is only one rank.

    Parameters
    ----------
    model : torch.nn.Module
        A model whose group is known from sharded layers or ``DistributedDataParallel`` wrappers in it; otherwise the
        group is the world.
    process_group : torch.distributed.ProcessGroup, optional
        The group, if it is a different one.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `process_group` has another type, this rank is not in it, or wrappers in the model have different groups.

    Examples
    --------
    >>> shared_group(nn.Linear(2, 2)) is None  # no process group is initialised
    True
    """
    if process_group is not None:
        _check_member(process_group)
    if not dist.is_available() or not dist.is_initialized():
        return None
    group = _group_of(model) if process_group is None else process_group
    return group if dist.get_world_size(group) > 1 else None


def _check_member(group: object) -> None:
    if not dist.is_available() or not isinstance(group, dist.ProcessGroup) or dist.get_rank(group) < 0:
        raise InvalidTypeError(
            f"process_group={group!r} must be a torch.distributed.ProcessGroup that contains this rank: omit it for "
            "the world, or let each rank pass the group from dist.new_group(ranks) that contains it"
        )


def _group_of(model: nn.Module) -> dist.ProcessGroup:
    """Return the group of sharded layers or wrappers in a model, or the world if there are none."""
    sharded = next((m for m in model.modules() if isinstance(m, ShardedLinear)), None)
    if sharded is not None:
        return sharded.shard.group
    wrappers = [m for m in model.modules() if isinstance(m, nn.parallel.DistributedDataParallel)]
    if not wrappers:
        assert dist.group.WORLD is not None
        return dist.group.WORLD
    groups = [wrapper.process_group for wrapper in wrappers]
    if any(group is not groups[0] for group in groups):
        raise InvalidValueError(
            f"the model has {len(groups)} DistributedDataParallel wrappers with different process groups: pass the "
            "group whose ranks share the sparse layers as process_group="
        )
    return groups[0]
