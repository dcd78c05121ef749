"""A small masked model, and what is done to it."""

import torch
from torch import nn
from torch.nn import functional as F

import topolearn as tl

X, Y = torch.randn(16, 12, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 3


def model_of(method="set", seed=0):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))
    return tl.sparsify(model, tl.method(method, density=0.2), backend="masked", seed=seed)


def backward(model):
    F.cross_entropy(model(X), Y).backward()


def noise(tensor):
    return torch.randn(tensor.shape, generator=torch.Generator().manual_seed(7))


def weights(model):
    return [layer for layer in model if isinstance(layer, tl.SparseLinear)]


def is_zero_off_links(layer, optimizer=None):
    off = ~layer.trained_mask
    tensors = [layer.weight.detach(), *([] if layer.weight.grad is None else [layer.weight.grad])]
    if optimizer is not None:
        state = optimizer.state.get(layer.weight, {})
        tensors += [each for each in state.values() if isinstance(each, torch.Tensor) and each.shape == off.shape]
    return not any(bool(tensor[off].any()) for tensor in tensors)


@torch.no_grad()
def add_noise(model):
    for layer in weights(model):
        layer.weight.add_(noise(layer.weight))
