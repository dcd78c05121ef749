"""Carries everything that a module has, apart from its weight, over to the module that replaces it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.sampling import torch_draws_from
from topolearn.sparse.conversion.dense_layers import is_linear
from topolearn.sparse.linear import SparseLinear

HOOKS = tuple(name for name in vars(nn.Module()) if "hook" in name)


def carry_over(old: nn.Module, new: nn.Module) -> None:
    """Give a module everything that the module it replaces had, apart from the values of its weight.

    This includes the training mode; hooks on the module, whose handles keep working; the bias, as the same parameter
    object; ``requires_grad`` and attributes of the weight; and parameters, buffers, modules and attributes that the
    user added.

    Parameters
    ----------
    old : torch.nn.Module
        Must not be used afterwards, since it shares objects with the new module.
    new : torch.nn.Module
        A module with the same device and dtype.

    Examples
    --------
    >>> old, new = nn.Linear(3, 2), nn.Linear(3, 2)
    >>> old.note, old.weight.requires_grad = "mine", False
    >>> carry_over(old.eval(), new)
    >>> new.note, new.weight.requires_grad, new.training, new.bias is old.bias
    ('mine', False, False, True)
    """
    new.training = old.training
    _carry_hooks(old, new)
    if is_linear(old):
        before, after = weight_parameter(old), weight_parameter(new)
        after.requires_grad_(before.requires_grad)
        vars(after).update(vars(before))
        _carry_bias(old, new)
    own = _own_names(old)
    for name, parameter in old._parameters.items():
        if name not in own:
            new.register_parameter(name, parameter)
    for name, buffer in old._buffers.items():
        if name not in own:
            new.register_buffer(name, buffer, persistent=name not in old._non_persistent_buffers_set)
    for name, module in old._modules.items():
        if name not in own:
            new.register_module(name, module)
    vars(new).update({name: value for name, value in vars(old).items() if name not in own})


def check_room(name: str, old: nn.Module, new: nn.Module) -> None:
    """Check that no name that the user added to a module is one that the new module uses.

    Raises
    ------
    InvalidValueError
        When such a name clashes.
    """
    own = _own_names(old)
    for added in (*old._parameters, *old._buffers, *old._modules, *vars(old)):
        if added not in own and hasattr(new, added):
            raise InvalidValueError(
                f"layer {name!r} has {added!r}, which {type(new).__name__} uses for something else: give it another "
                "name"
            )


def weight_parameter(module: nn.Module) -> nn.Parameter:
    """Return the parameter that holds the weight of a linear layer."""
    return module.link_parameter if isinstance(module, SparseLinear) else module.get_parameter("weight")


def put_in_place(model: nn.Module, replacements: Mapping[Any, nn.Module]) -> None:
    """Replace modules wherever they occur in the model."""
    for path, module in list(model.named_modules(remove_duplicate=False)):
        if module in replacements:
            parent, _, child = path.rpartition(".")
            setattr(model.get_submodule(parent), child, replacements[module])


def _carry_bias(old: nn.Module, new: nn.Module) -> None:
    bias = old._parameters.get("bias")
    if bias is None:
        return
    if bias.is_meta and not weight_parameter(new).is_meta:
        new.get_parameter("bias").requires_grad_(bias.requires_grad)  # a meta bias has no values to keep
    else:
        new.register_parameter("bias", bias)


def _carry_hooks(old: nn.Module, new: nn.Module) -> None:
    """Give both modules the same hook dictionaries, so that existing handles keep working."""
    for name in HOOKS:
        hooks: Any = vars(old)[name]
        if isinstance(hooks, dict):
            for key, hook in hooks.items():
                if getattr(hook, "with_module", False):  # it would be called with the old module
                    hooks[key] = type(hook)(hook.hook, new)
            hooks.update(vars(new)[name])
        vars(new)[name] = hooks


def _own_names(module: nn.Module) -> frozenset[str]:
    """Return the names that a module has through its class, as opposed to those that the user added."""
    kind: Any = type(module)
    return _names_of_class(kind)


@functools.cache
def _names_of_class(kind: type[nn.Module]) -> frozenset[str]:
    """Return the names that a new module of a class has."""
    with torch_draws_from(0):
        twin: nn.Module
        if issubclass(kind, SparseLinear):
            twin = kind(1, 1, BipartiteGraph(np.ones((1, 1))), device="cpu")
        elif issubclass(kind, nn.MultiheadAttention):
            twin = nn.MultiheadAttention(1, 1, device="meta")
        else:
            twin = nn.Linear(1, 1, device="meta")
    of_class = kind if issubclass(kind, SparseLinear) else nn.Module
    return frozenset({*vars(twin), *twin._parameters, *twin._buffers, *twin._modules, *dir(of_class)})
