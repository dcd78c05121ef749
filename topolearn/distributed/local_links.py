"""Links stay where they are: ``DistributedDataParallel`` sends weights and gradients, and no masks."""

from __future__ import annotations

from collections.abc import Iterator

import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from topolearn.sparse import SparseLinear

STORED = "stored"  # values as a weight has them, which differ where ranks drew different ones


def keep_links_local(model: nn.Module, group: dist.ProcessGroup | None) -> None:
    """Let ``DistributedDataParallel`` leave out the buffers of sparse layers that it would send before each forward.

    Ranks whose links agree change them alike, so there is nothing to send. A wrapper has sent all of them once when it
    was made. For a model that is wrapped later, values of cells that are not trained go on to be sent, as ranks may
    still differ in these.

    Parameters
    ----------
    model : torch.nn.Module
        A model whose links are the same on all ranks of the group: the wrapper, what holds it, or what it will wrap.
    group : torch.distributed.ProcessGroup or None
        The ranks that share the layers; None leaves the model as it is.

    Examples
    --------
    >>> import topolearn as tl
    >>> model = tl.sparsify(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), "set")
    >>> keep_links_local(model, None)
    >>> sorted(link_buffers(model))
    ['0.mask']
    """
    if group is None:
        return
    wrappers = [module for module in model.modules() if isinstance(module, DistributedDataParallel)]
    for wrapper in wrappers:
        if wrapper.process_group is group:
            wrapper.parameters_to_ignore.update(link_buffers(wrapper.module))
            wrapper._assign_modules_buffers()  # it looks whether it has any before it lists them
    if not wrappers:
        agreed = {name for name in link_buffers(model) if not name.endswith(f".{STORED}")}
        ignored = {*getattr(model, "_ddp_params_and_buffers_to_ignore", ()), *agreed}
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(model, ignored)


def link_buffers(model: nn.Module) -> Iterator[str]:
    """Yield the names of all buffers of a model that change with its links, those that are None for now among them."""
    for path, module in model.named_modules():
        if isinstance(module, SparseLinear):
            for name in module.link_buffers:
                yield f"{path}.{name}" if path else name
