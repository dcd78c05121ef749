"""Which networks support compiled steps: chains of csr layers with ReLU between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import nn

from topolearn.sparse import CsrLinear, Stage
from topolearn.sparse.chains.plain import is_hooked_globally, is_plain
from topolearn.sparse.chains.sequential import ChainedSequential
from topolearn.sparse.products.index import complete_index

MOST_DENSE_OUTPUTS = 128  # of a dense last layer, which is computed link by link
MOST_DENSE_LINKS = 2**24  # its links are listed, at 12 bytes each
FORWARDS = (nn.Sequential.forward, ChainedSequential.forward)  # a subclass may do anything in its own
KINDS = (CsrLinear, nn.Linear, nn.ReLU)
DTYPES = (torch.float32, torch.float64)


def why_not_model(model: nn.Module) -> str | None:
    """Return why the steps of a network cannot be compiled, or None if they can.

    Examples
    --------
    >>> why_not_model(nn.Sequential(nn.Linear(4, 4), nn.Tanh()))
    'its module Tanh is neither a layer nor a ReLU'
    """
    return next(_reasons(model), None)


def stages_of(model: nn.Module) -> list[Stage]:
    """Return the layers of a network that `why_not_model` accepts, as stages of a chain."""
    layers, relu = _layers(model)
    return [
        each.stage(after)
        if isinstance(each, CsrLinear)
        else Stage(complete_index(each.out_features, each.in_features), each.weight, each.bias, after)
        for each, after in zip(layers, relu, strict=True)
    ]


def _reasons(model: nn.Module) -> Iterator[str]:
    """Yield every reason why the steps of a network cannot be compiled."""
    if not _is_sequence(model):
        yield f"the model is a {type(model).__name__}, not a torch.nn.Sequential"
        return
    if is_hooked_globally():
        yield "global module hooks are registered"
    modules = list(_flat(model))
    for each in (model, *modules):
        if not is_plain(each):
            yield f"its module {type(each).__name__} has hooks or a forward of its own"
    for module in modules:
        if type(module) not in KINDS:
            yield f"its module {type(module).__name__} is neither a layer nor a ReLU"
    if modules and type(modules[0]) is nn.ReLU:
        yield "it begins with a ReLU"
    layers, relu = _layers(model)
    if not any(isinstance(layer, CsrLinear) for layer in layers):
        yield "it has no layer with the csr backend"
        return
    if relu[-1]:
        yield "it ends with a ReLU"
    yield from _reasons_in_layers(layers)


def _layers(model: nn.Module) -> tuple[list[CsrLinear | nn.Linear], list[bool]]:
    """Return the layers of a network, and whether each is followed by a ReLU."""
    layers: list[CsrLinear | nn.Linear] = []
    relu: list[bool] = []
    for module in _flat(model):
        if isinstance(module, CsrLinear | nn.Linear):
            layers.append(module)
            relu.append(False)
        elif layers:
            relu[-1] = True
    return layers, relu


def _flat(sequence: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules of a sequence, with nested sequences flattened."""
    for module in sequence._modules.values():  # children() would leave out a module that occurs again
        if module is None:
            continue
        if _is_sequence(module) and is_plain(module):
            yield from _flat(module)
        else:
            yield module


def _is_sequence(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and type(module).forward in FORWARDS


def _reasons_in_layers(layers: Sequence[CsrLinear | nn.Linear]) -> Iterator[str]:
    for layer in layers:
        if isinstance(layer, CsrLinear) and layer.record is not None:
            yield "its gradients are recorded for an update"
        elif isinstance(layer, nn.Linear) and layer is not layers[-1]:
            yield f"its dense layer with {layer.out_features} outputs is not its last layer"
        elif isinstance(layer, nn.Linear) and layer.out_features > MOST_DENSE_OUTPUTS:
            yield f"its dense last layer has {layer.out_features} outputs, more than {MOST_DENSE_OUTPUTS}"
        elif isinstance(layer, nn.Linear) and layer.weight.numel() > MOST_DENSE_LINKS:
            yield f"its dense last layer has {layer.weight.numel():,} weights, more than {MOST_DENSE_LINKS:,}"
    if len(set(layers)) < len(layers):
        yield "a layer occurs twice"
    if any(before.out_features != after.in_features for before, after in pairwise(layers)):
        yield "the sizes of its layers do not match"
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    kinds = {(parameter.dtype, parameter.device.type) for parameter in parameters}
    if len(kinds) > 1 or parameters[0].dtype not in DTYPES or parameters[0].device.type != "cpu":
        yield "its parameters are not all float32 or all float64 on the CPU"
    if not all(parameter.is_contiguous() for parameter in parameters):
        yield "a parameter is not contiguous"
