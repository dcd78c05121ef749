"""Networks and data for compiled steps, the same for the same seed."""

import copy
from itertools import pairwise

import numpy as np
import torch
from torch import nn

import topolearn as tl
from topolearn.sampling import torch_draws_from


def mlp(widths, density=0.4, dtype=torch.float64, *, dense_head=True, bias=True, seed=0):
    """Return a chain of csr layers, the same for the same seed; a ReLU follows all but the last."""
    with torch_draws_from(seed):
        return drawn(widths, density, dtype, dense_head=dense_head, bias=bias, seed=seed)


def drawn(widths, density, dtype, *, dense_head, bias, seed):
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out, bias=bias), nn.ReLU()]
    model = nn.Sequential(*layers[:-1]).to(dtype)
    model = tl.sparsify(model, tl.method("static", density=density), backend="csr", seed=seed)
    if dense_head and len(widths) > 2:
        head = nn.Linear(widths[-2], widths[-1], bias=bias, dtype=dtype)
        with torch.no_grad():
            head.weight.copy_(tl.densify(copy.deepcopy(model))[-1].weight)
            if bias:
                head.bias.copy_(model[-1].bias)
        model[-1] = head
    return model


def data(widths, n, loss, dtype, seed=0):
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.normal(size=(n, widths[0])), dtype=dtype)
    if loss == "cross_entropy":
        return x, torch.tensor(rng.integers(widths[-1], size=n))
    return x, torch.tensor(rng.normal(size=(n, widths[-1])), dtype=dtype)
