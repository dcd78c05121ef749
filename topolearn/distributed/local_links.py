"""Keep links local: ``DistributedDataParallel`` sends weights and gradients, but no masks."""

from __future__ import annotations

from collections.abc import Iterator

import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from topolearn.sparse import SparseLinear

STORED = "stored"  # a buffer of weights, which may still differ between ranks


def keep_links_local(model: nn.Module, group: dist.ProcessGroup | None) -> None:
    """Exclude the buffers of sparse layers from those that ``DistributedDataParallel`` sends before each forward.

    Ranks with the same links change them in the same way, so there is nothing to send. A wrapper sends all buffers once
    when it is created. For a model that is wrapped later, the stored values of untrained cells continue to be sent, as
    ranks may still differ in these.

    Parameters
    ----------
    model : torch.nn.Module
        A model with the same links on all ranks of the group: the wrapper, a module that contains it, or the module
        that it will wrap.
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
            wrapper._assign_modules_buffers()  # the wrapper checks whether there are any before listing them
    if not wrappers:
        agreed = {name for name in link_buffers(model) if not name.endswith(f".{STORED}")}
        ignored = {*getattr(model, "_ddp_params_and_buffers_to_ignore", ()), *agreed}
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(model, ignored)


def link_buffers(model: nn.Module) -> Iterator[str]:
    """Yield the names of all buffers of a model that change with its links, including those that are currently None."""
    for path, module in model.named_modules():
        if isinstance(module, SparseLinear):
            for name in module.link_buffers:
                yield f"{path}.{name}" if path else name
