"""The record is the dense gradient of what accumulates in ``.grad``, whatever else runs backward."""

import copy
import gc
import weakref

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField
from topolearn.sparse import largest_gradients, recorded
from topolearn.sparse.chains.waiting_passes import WaitingPasses

BACKENDS = pytest.mark.parametrize("backend", ["csr", "masked"])


def network(backend):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 15), nn.ReLU(), nn.Linear(15, 4)).double()
    return tl.sparsify(model, tl.method("set", density=0.2), backend=backend)


def loss_of(model, x):
    return model(x).square().sum()


def saliency(model, x):
    torch.autograd.grad(loss_of(model, x.requires_grad_()), x)


def gradients_by_hand(model, x):
    torch.autograd.grad(loss_of(model, x), list(model.parameters()))


def backward_to_inputs(model, x):
    loss_of(model, x.requires_grad_()).backward(inputs=[x])


def cleared_by_none(model, x):
    loss_of(model, x).backward()
    model.zero_grad()


def cleared_in_place(model, x):
    loss_of(model, x).backward()
    model.zero_grad(set_to_none=False)


def cleared_without_autograd_noticing(model, x):
    loss_of(model, x).backward()
    for parameter in model.parameters():
        parameter.grad.data.zero_()


def failed(model, x):
    handle = model[0].link_parameter.register_hook(fail)
    with pytest.raises(KeyError):
        loss_of(model, x).backward()
    handle.remove()
    model.zero_grad()


def fail(gradient):
    raise KeyError("no reason")


CLEARED = [cleared_by_none, cleared_in_place, cleared_without_autograd_noticing, failed]
NOT_ACCUMULATED = [saliency, gradients_by_hand, backward_to_inputs]


def dense_gradients(model, loss):
    """Return the gradients of the dense weights, with autograd, under the loss of a model."""
    dense = tl.densify(copy.deepcopy(model))
    dense.zero_grad()
    loss(dense).backward()
    return [dense[i].weight.grad for i in (0, 2)]


def check(model, loss):
    for i, expected in zip((0, 2), dense_gradients(model, loss), strict=True):
        torch.testing.assert_close(model[i].record.rows(0, len(expected)), expected, rtol=1e-12, atol=1e-12)


@BACKENDS
@pytest.mark.parametrize("fleeting", [*CLEARED, *NOT_ACCUMULATED])
def test_a_pass_that_is_cleared_or_never_accumulated_leaves_no_trace(fleeting, backend):
    model, batches = network(backend), torch.randn(2, 9, 12, dtype=torch.float64)
    accumulated = []
    with recorded([model[0], model[2]]):
        for x in batches:  # first with an empty record, then with passes in it
            fleeting(model, 100 * torch.randn(9, 12, dtype=torch.float64))
            loss_of(model, x).backward()
            accumulated = [x] if fleeting in CLEARED else [*accumulated, x]
            whole = torch.cat(accumulated)
            check(model, lambda dense, whole=whole: loss_of(dense, whole))


@BACKENDS
@pytest.mark.parametrize("fleeting", NOT_ACCUMULATED)
def test_a_pass_that_does_not_accumulate_is_not_recorded(fleeting, backend):
    model = network(backend)
    with recorded([model[0]]):
        fleeting(model, torch.randn(9, 12, dtype=torch.float64))
        assert model[0].record.is_empty
        with pytest.raises(InvalidValueError, match="no backward pass was recorded"):
            largest_gradients(model[0], 1, RandomField(0))


@BACKENDS
def test_later_passes_do_not_change_the_gradient_of_the_optimizer_step(backend):
    model, (first, second, third) = network(backend), torch.randn(3, 9, 12, dtype=torch.float64)
    with recorded([model[0], model[2]]):
        loss_of(model, first).backward()
        for layer in (model[0], model[2]):
            layer.record.settle()
        loss_of(model, second).backward()
        loss_of(model, third).backward()
        check(model, lambda dense: loss_of(dense, first))
        for layer in (model[0], model[2]):
            layer.record.settle()
        check(model, lambda dense: sum(loss_of(dense, x) for x in (first, second, third)))
        model.zero_grad(set_to_none=False)
        for layer in (model[0], model[2]):
            layer.record.settle()
            assert layer.record.is_empty


@BACKENDS
@pytest.mark.parametrize("reentrant", [False, True])
def test_a_layer_within_and_outside_of_a_checkpoint_counts_both_times(reentrant, backend):
    torch.manual_seed(0)
    layer = tl.SparseLinear(7, 7, graph=tl.generators.erdos_renyi(7, 7, 0.4, seed=0), backend=backend).double()
    x, dense = torch.randn(5, 7, dtype=torch.float64, requires_grad=True), nn.Linear(7, 7).double()
    with torch.no_grad():
        dense.weight.copy_(layer.dense_weight())
        dense.bias.copy_(layer.bias)

    def loss(each):
        inner = checkpoint(lambda x: torch.tanh(each(torch.tanh(each(x)))), each(x), use_reentrant=reentrant)
        return each(inner).square().sum()

    loss(dense).backward()
    with recorded([layer]):
        loss(layer).backward()
        torch.testing.assert_close(layer.record.rows(0, 7), dense.weight.grad, rtol=1e-12, atol=1e-12)


@BACKENDS
def test_a_penalty_on_only_the_weights_changes_no_gradient_off_the_links(backend):
    model, x = network(backend), torch.randn(9, 12, dtype=torch.float64)
    with recorded([model[0]]):
        model[0].link_parameter.square().sum().backward()
        loss_of(model, x).backward()
        off = model[0].dense_weight() == 0
        expected = dense_gradients(model, lambda dense: loss_of(dense, x))[0]
        torch.testing.assert_close(model[0].record.rows(0, 20)[off], expected[off], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("fleeting", [*NOT_ACCUMULATED, failed])
def test_passes_that_never_count_do_not_pile_up(fleeting, monkeypatch):
    model, kept = network("csr"), []
    append = WaitingPasses.append

    def watched(self, each):
        kept.append(weakref.ref(each[1]))
        append(self, each)

    monkeypatch.setattr(WaitingPasses, "append", watched)
    with recorded([model[0], model[2]]):
        for _ in range(3):
            fleeting(model, torch.randn(9, 12, dtype=torch.float64))
        gc.collect()
        assert len(kept) == 6
        assert not any(each() is not None for each in kept)


def test_a_graph_that_outlives_the_recording_keeps_nothing():
    model, x = network("csr"), torch.randn(9, 12, dtype=torch.float64)
    with recorded([model[0]]):
        loss = loss_of(model, x)
        waiting = model[0].record.waiting
    loss.backward()
    assert not waiting._waiting
