"""Modules that read the weight of a linear layer instead of calling the layer, which csr layers do not support."""

from __future__ import annotations

import dis
import inspect
from functools import cache
from itertools import pairwise

from torch import nn


def layers_read_by_weight(model: nn.Module) -> dict[nn.Module, str]:
    """Return the submodules whose ``weight`` the module that holds them reads in its forward, with its class's name.

    Examples
    --------
    >>> class Block(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.wi, self.wo = nn.Linear(4, 8), nn.Linear(8, 4)
    ...     def forward(self, x):
    ...         return self.wo(self.wi(x).to(self.wo.weight.dtype))
    >>> layers_read_by_weight(Block())
    {Linear(in_features=8, out_features=4, bias=True): 'Block'}
    """
    read: dict[nn.Module, str] = {}
    for module in model.modules():
        kind: type = type(module)
        names = _weights_read(kind)
        read |= {child: kind.__name__ for name, child in module.named_children() if name in names}
    return read


@cache
def _weights_read(kind: type) -> frozenset[str]:
    """Return the attributes whose ``weight`` the forward of a class reads, in its own methods, apart from torch's."""
    bases = [base for base in reversed(kind.__mro__) if not base.__module__.startswith("torch.")]
    methods = {name: each for base in bases for name, each in vars(base).items() if inspect.isfunction(each)}
    waiting, done, names = ["forward"], set(), set()
    while waiting:
        name = waiting.pop()
        if name in done or name not in methods:
            continue
        done.add(name)
        code = inspect.unwrap(methods[name]).__code__
        waiting += code.co_names
        for owner, read in pairwise(dis.get_instructions(code)):
            if owner.opname == read.opname == "LOAD_ATTR" and read.argval == "weight":
                names.add(owner.argval)
    return frozenset(names)
