"""Averages of networks whose links move are those of the dense weights, on all links that the networks had."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn, get_ema_multi_avg_fn, get_swa_multi_avg_fn

import topolearn as tl
from tests.evolution.loops import advance, backends_of, setup
from topolearn.errors import InvalidValueError

METHODS = ["set", "rigl", "chts", "chtss", "gmp", "topkast", "deepr"]
EVERY = [(method, backend) for method in METHODS for backend in backends_of(method)]
AVERAGES = {
    "ema": {"multi_avg_fn": get_ema_multi_avg_fn(0.9)},
    "ema one by one": {"avg_fn": get_ema_avg_fn(0.9)},
    "swa": {},
    "swa together": {"multi_avg_fn": get_swa_multi_avg_fn()},
}


def dense_weights(model):
    return [layer.dense_weight() for layer in model if isinstance(layer, tl.SparseLinear)]


@pytest.mark.parametrize("kind", AVERAGES)
@pytest.mark.parametrize(("method", "backend"), EVERY)
def test_an_average_is_that_of_the_dense_weights_over_all_their_links(method, backend, kind):
    model, trainer, topology = setup(method, "momentum", backend=backend)
    average, wanted, ever = tl.AveragedModel(model, **AVERAGES[kind]), None, None
    for n in range(12):
        advance(model, trainer, topology, 1)
        average.update_parameters(model)
        now = dense_weights(model)
        masks = [weight != 0 for weight in now]
        if wanted is None:
            wanted, ever = now, masks
        elif kind.startswith("ema"):
            wanted = [0.9 * old + 0.1 * new for old, new in zip(wanted, now, strict=True)]
        else:
            wanted = [old + (new - old) / (n + 1) for old, new in zip(wanted, now, strict=True)]
        ever = [old | new for old, new in zip(ever, masks, strict=True)]
    layers = [layer for layer in average.module if isinstance(layer, tl.SparseLinear)]
    for layer, weight, union in zip(layers, wanted, ever, strict=True):
        assert torch.allclose(layer.dense_weight(), weight, atol=1e-6)
        graph = layer.graph.to_torch()
        assert bool((graph | ~union).all())
        assert layer.n_links == int(graph.sum())
        assert not bool(layer.dense_weight()[~graph].any())
    x = torch.randn(5, 12)
    assert torch.allclose(tl.densify(copy.deepcopy(average.module))(x), average(x), atol=1e-5)
    assert all(torch.equal(*pair) for pair in zip(dense_weights(model), now, strict=True))


@pytest.mark.filterwarnings("ignore:.*off its .* links were written")
def test_torchs_own_average_of_masked_layers_has_the_right_links():
    model, trainer, topology = setup("set", "momentum")
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    for _ in range(8):
        advance(model, trainer, topology, 1)
        average.update_parameters(model)
    average(torch.randn(3, 12))
    for layer, other in zip(average.module, model, strict=True):
        if isinstance(layer, tl.SparseLinear):
            assert layer.graph == other.graph
            assert not layer.weight[~layer.mask].any()


def test_torchs_own_average_of_csr_layers_raises_once_links_have_moved():
    model, trainer, topology = setup("set", "momentum", backend="csr")
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    advance(model, trainer, topology, 1)
    average.update_parameters(model)
    average(torch.randn(3, 12))  # no link has moved
    advance(model, trainer, topology, 3)
    average.update_parameters(model)
    for use in (lambda: average(torch.randn(3, 12)), lambda: average.module[0].graph):
        with pytest.raises(InvalidValueError, match=r"values would belong to the wrong links.*tl\.AveragedModel"):
            use()


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize("use_buffers", [False, True])
def test_buffers_are_averaged_or_copied_as_requested_but_links_never_averaged(backend, use_buffers):
    torch.manual_seed(0)
    rule = tl.method("set", density=0.3)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    model = tl.sparsify(model, rule, backend=backend)
    average = tl.AveragedModel(model, avg_fn=get_ema_avg_fn(0.5), use_buffers=use_buffers)
    means = []
    for _ in range(3):
        model(torch.randn(16, 6))
        average.update_parameters(model)
        means.append(model[1].running_mean.clone())
    expected = 0.5 * (0.5 * means[0] + 0.5 * means[1]) + 0.5 * means[2] if use_buffers else means[2]
    assert torch.allclose(average.module[1].running_mean, expected, atol=1e-6)
    assert average.module[0].graph == model[0].graph


def test_a_model_with_other_layers_is_rejected_and_changes_nothing():
    model, other = setup("set")[0], setup("set", sizes=(12, 24, 16, 3))[0]
    average = tl.AveragedModel(model)
    before = copy.deepcopy(average.state_dict())
    with pytest.raises(InvalidValueError, match="the 2 sparse layers of the model do not match the 2 of the average"):
        average.update_parameters(other)
    assert all(torch.equal(value, average.state_dict()[key]) for key, value in before.items())
