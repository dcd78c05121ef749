"""Weights in bf16: gradients for scores lose nothing over passes, and moments in float32 follow the links."""

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.sampling import RandomField
from topolearn.sparse import largest_gradients, recorded

BF16, F32 = torch.bfloat16, torch.float32


class Float32Moments(torch.optim.AdamW):
    """AdamW for weights in bf16, with state and arithmetic in float32."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            (beta, beta_sq), rate = group["betas"], group["lr"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state, gradient = self.state[p], p.grad.float()
                if not state:
                    state.update(exp_avg=torch.zeros_like(gradient), exp_avg_sq=torch.zeros_like(gradient))
                state["exp_avg"].lerp_(gradient, 1 - beta)
                state["exp_avg_sq"].lerp_(gradient.square(), 1 - beta_sq)
                p.add_((state["exp_avg"] / (state["exp_avg_sq"].sqrt() + group["eps"])).to(p.dtype), alpha=-rate)


OPTIMIZERS = {
    "moments in float32": (Float32Moments, F32),
    "moments in bf16": (lambda p, lr: torch.optim.AdamW(p, lr=lr, foreach=True), BF16),
}


def model_of(name, dtype=BF16):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3)).to(dtype)
    method = tl.method(name, density=0.3, interval=None)
    return tl.sparsify(model, method, backend="masked"), method


def weights(model):
    return list(tl.sparse.sparse_layers(model).values())


@pytest.mark.parametrize("clips", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["set", "rigl", "mest", "gmp", "topkast", "chtss", "deepr"])
def test_bf16_weights_train_with_their_moments(name, optimizer, clips):
    model, method = model_of(name)
    kind, dtype = OPTIMIZERS[optimizer]
    trainer = kind(model.parameters(), lr=0.01)
    topology = tl.TopologyScheduler(model, trainer, method, total_steps=20, interval=3)
    x = torch.randn(16, 12, dtype=BF16)
    for _ in range(12):
        trainer.zero_grad()
        model(x).float().square().mean().backward()
        if clips:
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        trainer.step()
        topology.step()
        for layer in weights(model):
            off, state = ~layer.trained_mask, trainer.state[layer.weight]
            assert state["exp_avg"].dtype == dtype
            assert not any(bool(each[off].any()) for each in (layer.weight, state["exp_avg"], state["exp_avg_sq"]))
            assert bool(state["exp_avg"].any())
    assert topology.n_updates >= 3


def test_passes_that_bf16_would_lose_count_for_scores():
    """A large pass and then many small ones, each below half a unit in the last place of the sum."""
    graph = tl.BipartiteGraph.from_edges([(0, 0)], n_in=3, n_out=1)
    layer = tl.SparseLinear(3, 1, graph=graph, bias=False, backend="masked", dtype=BF16)
    large, small = torch.tensor([[0.0, 1.0, 1.0]], dtype=BF16), torch.tensor([[0.0, 2.0**-10, 0.0]], dtype=BF16)
    assert 1 + small[0, 1] == 1
    with recorded([layer]):
        for x in (large, *[small] * 64):
            layer(x).sum().backward()
        cells, magnitudes = largest_gradients(layer, 2, RandomField(0))
    assert cells.tolist() == [1, 2]
    assert magnitudes.tolist() == [1 + 2.0**-4, 1.0]
    assert magnitudes.dtype == F32


@pytest.mark.parametrize("name", ["rigl", "granet", "srigl"])
def test_gradients_are_recorded_only_around_updates(name):
    model, method = model_of(name, F32)
    trainer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, trainer, method, total_steps=20, interval=4)
    recording = []
    for _ in range(8):
        recording.append(all(layer.record is not None for layer in weights(model)))
        trainer.zero_grad()
        model(torch.randn(16, 12)).square().mean().backward()
        trainer.step()
        topology.step()
    assert recording == [False, False, False, True] * 2
