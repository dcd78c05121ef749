"""Sequences of sparse layers that compute as one: what `sparsify` makes of `torch.nn.Sequential`."""

from __future__ import annotations

from typing import TypeGuard

import torch
from torch import Tensor, nn

from topolearn.sparse.chain import sparse_chain
from topolearn.sparse.csr import CsrLinear


class ChainedSequential(nn.Sequential):
    """A `torch.nn.Sequential` in which sparse layers of the csr backend, and ReLU between them, are one autograd node.

    Outputs, gradients, parameters and names are those of the sequence; activations are transposed once at each end
    instead of twice a layer. A module with hooks is called by itself, so that its hooks see what they always do.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> mlp = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> model = tl.sparsify(mlp, tl.method("set", density=0.5), backend="csr")
    >>> type(model).__name__, isinstance(model, torch.nn.Sequential)
    ('ChainedSequential', True)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the modules in order."""
        modules = list(self)
        i = 0
        while i < len(modules):
            layers: list[CsrLinear] = []
            relus: list[bool] = []
            while i < len(modules) and isinstance(layer := modules[i], CsrLinear) and _is_plain(layer, CsrLinear):
                relu = i + 1 < len(modules) and _is_plain(modules[i + 1], nn.ReLU)
                layers.append(layer)
                relus.append(relu)
                i += 1 + relu
            if layers:
                x = sparse_chain(x, layers, relus)
                if i < len(modules) and _is_head(head := modules[i], x):
                    x = torch.addmm(head.bias[:, None], head.weight, x.t()).t()
                    i += 1
                x = x.contiguous()  # else a dense layer takes five times as long
            else:
                x = modules[i](x)
                i += 1
        return x

    def _get_name(self) -> str:
        return "Sequential"


def chain(model: nn.Module) -> None:
    """Turn every plain sequence of a model that holds csr layers into a chained one, in place."""
    for module in model.modules():
        if type(module) is nn.Sequential and any(isinstance(child, CsrLinear) for child in module):
            module.__class__ = ChainedSequential


def unchain(model: nn.Module) -> None:
    """Turn the chained sequences of a model into plain ones again, in place."""
    for module in model.modules():
        if type(module) is ChainedSequential:
            module.__class__ = nn.Sequential  # type: ignore[assignment]


def _is_head(layer: nn.Module, x: Tensor) -> TypeGuard[nn.Linear]:
    """Whether it is a dense layer that can take feature-major activations, and gives what it would give anyway."""
    return (
        _is_plain(layer, nn.Linear)
        and isinstance(layer, nn.Linear)
        and x.dim() == 2
        and layer.bias is not None
        and layer.in_features == x.shape[1]
        and layer.weight.dtype == x.dtype
        and not torch.is_autocast_enabled(x.device.type)
    )


def _is_plain(module: nn.Module, kind: type[nn.Module]) -> bool:
    return type(module) is kind and not (
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )
