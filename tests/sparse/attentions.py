"""Attention of torch and its sparse counterpart, on the same weights and inputs."""

import torch

N, L, S, E, HEADS = 3, 5, 7, 16, 4


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inputs(module, single=False):
    """Return query, key and value as leaves that require gradients, with or without a batch."""
    shapes = [(L, N, E), (S, N, module.kdim), (S, N, module.vdim)]
    if single:
        shapes = [(length, width) for length, _, width in shapes]
    elif module.batch_first:
        shapes = [(n, length, width) for length, n, width in shapes]
    return [randn(*shape, seed=i).requires_grad_() for i, shape in enumerate(shapes)]


def blocked(*shape):
    """Return a bool mask that leaves each query at least one key."""
    mask = torch.rand(*shape, generator=torch.Generator().manual_seed(5)) < 0.4
    mask[..., 2] = False
    return mask


def causal(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).triu(1)


def padding(n, length):
    """Return the padding mask of sequences with different lengths, the longest without padding."""
    lengths = length - torch.arange(n)
    return torch.arange(length) >= lengths[:, None]
