"""Ten thousand layers of random shape, density, batch, dtype and thread count against dense layers; run by hand."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import topolearn as tl
from topolearn.sparse import sparse_chain
from topolearn.sparse.products import by_numba


@pytest.mark.slow
def test_ten_thousand_random_layers(monkeypatch):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    rng, usual = np.random.default_rng(0), by_numba.LEAST
    try:
        for i in range(10_000):
            monkeypatch.setattr(by_numba, "LEAST", 1.0 if i % 3 == 0 else usual)  # 1.0: two threads for any work
            check(rng, torch.float64 if i % 2 else torch.float32, bias=i % 5 > 0, relu=i % 7 == 0)
    finally:
        torch.set_num_threads(threads)


def check(rng, dtype, *, bias, relu):
    n_in, n_out, batch = (int(n) for n in (*rng.integers(1, 80, 2), rng.integers(0, 200)))
    n_links = max(1, int(rng.choice([0.01, 0.1, 0.3, 1.0]) * n_in * n_out))
    graph = tl.BipartiteGraph.from_cells(np.sort(rng.permutation(n_in * n_out)[:n_links]), n_in, n_out)
    layer = tl.SparseLinear(n_in, n_out, graph=graph, backend="csr", bias=bias, dtype=dtype)
    x = torch.randn(batch, n_in, dtype=dtype, requires_grad=True)
    weight = layer.dense_weight().requires_grad_()
    outputs = sparse_chain(x, [layer.stage(relu)])
    expected = F.linear(x, weight, layer.bias)
    if relu:
        expected = expected * (outputs > 0)
    upstream, biases = torch.randn_like(outputs), [] if layer.bias is None else [layer.bias]
    got = torch.autograd.grad(outputs, [x, layer.values, *biases], upstream)
    wanted = torch.autograd.grad(expected, [x, weight, *biases], upstream)
    pairs = [
        (outputs, expected),
        (got[0], wanted[0]),
        (got[1], wanted[1].flatten()[layer.cells()]),
        *zip(got[2:], wanted[2:], strict=True),
    ]
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=0, atol=6e-12 if dtype == torch.float64 else 1e-4)
