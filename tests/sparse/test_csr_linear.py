"""The csr backend: outputs and gradients match the dense layer for any shape, density, batch and thread count."""

import copy
import io
import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import topolearn as tl
from tests.profiles import examples
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse import CsrLinear, sparse_chain
from topolearn.sparse.products import by_numba, by_torch, form, index

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-13}


def make(n_in, n_out, density=0.3, seed=0, **options):
    torch.manual_seed(seed)
    n_links = max(1, round(density * n_in * n_out))
    cells = np.sort(np.random.default_rng(seed).permutation(n_in * n_out)[:n_links])
    graph = tl.BipartiteGraph.from_cells(cells, n_in, n_out)
    return tl.SparseLinear(n_in, n_out, graph=graph, backend="csr", **options)


def close(actual, expected, dtype, n_terms=1):
    """Compare sums of terms of about 1, whose rounding errors grow with the root of their number."""
    scale = max(1.0, float(expected.abs().max())) if expected.numel() else 1.0
    torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE[dtype] * max(4 * scale, n_terms**0.5))


def check(layer, x, dtype):
    """Compare outputs and all gradients with those of the dense layer."""
    x = x.clone().requires_grad_()
    weight = layer.dense_weight().requires_grad_()
    bias = None if layer.bias is None else layer.bias.detach().clone().requires_grad_()
    expected, y = nn.functional.linear(x, weight, bias), layer(x)
    upstream = torch.randn_like(expected)
    close(y.detach(), expected.detach(), dtype)
    wanted = torch.autograd.grad(expected, [x, weight, *([] if bias is None else [bias])], upstream)
    parameters = [layer.values, *([] if bias is None else [layer.bias])]
    got = torch.autograd.grad(y, [x, *parameters], upstream)
    close(got[0], wanted[0], dtype)
    close(got[1], wanted[1].flatten()[layer.cells()], dtype, x.numel() // x.shape[-1])
    for one, other in zip(got[2:], wanted[2:], strict=True):
        close(one, other, dtype, x.numel() // x.shape[-1])


@DTYPES
@examples(80)
@given(
    n_in=st.integers(1, 70),
    n_out=st.integers(1, 70),
    batch=st.integers(0, 300),
    density=st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]),
    bias=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_outputs_and_gradients_are_those_of_the_dense_layer(dtype, n_in, n_out, batch, density, bias, seed):
    layer = make(n_in, n_out, density, seed, dtype=dtype, bias=bias)
    check(layer, torch.randn(batch, n_in, dtype=dtype), dtype)


@DTYPES
@pytest.mark.parametrize("shape", [(7,), (2, 3, 7), (1, 7), (0, 7), (2, 0, 7), (130, 7), (2, 2, 2, 2, 7)])
def test_inputs_of_any_leading_shape(dtype, shape):
    check(make(7, 5, dtype=dtype), torch.randn(shape, dtype=dtype), dtype)


@DTYPES
def test_inputs_and_gradients_in_any_order_of_memory(dtype):
    layer = make(7, 5, dtype=dtype)
    for x in (torch.randn(7, 33, dtype=dtype).T, torch.randn(33, 14, dtype=dtype)[:, ::2], torch.ones(7, dtype=dtype)):
        check(layer, x.expand(33, 7), dtype)
    x = torch.randn(33, 7, dtype=dtype, requires_grad=True)
    layer(x).sum().backward()  # the gradient is one number, expanded
    close(x.grad, layer.dense_weight().sum(0).expand(33, 7), dtype)


def test_gradcheck():
    layer = make(6, 9, 0.4, dtype=torch.float64)
    x = torch.randn(5, 6, dtype=torch.float64, requires_grad=True)

    def apply(x, values, bias):
        return torch.func.functional_call(layer, {"values": values, "bias": bias}, (x,))

    assert torch.autograd.gradcheck(apply, (x, layer.values, layer.bias))


@pytest.mark.parametrize("relu", [False, True])
@DTYPES
def test_the_fallback_with_torch_gives_the_same(relu, dtype, monkeypatch):
    layer = make(40, 30, 0.2, dtype=dtype)
    x = torch.randn(20, 40, dtype=dtype, requires_grad=True)

    def run():
        y = sparse_chain(x, [layer.stage(relu)])
        return [y.detach(), *torch.autograd.grad(y.square().sum(), [x, layer.values, layer.bias])]

    compiled = run()
    monkeypatch.setattr(form, "COMPILED", False)
    assert form.form_of(x) is by_torch
    for one, other in zip(run(), compiled, strict=True):
        close(one, other, dtype)


@DTYPES
def test_bits_do_not_depend_on_the_number_of_threads(dtype, n_threads, monkeypatch):
    monkeypatch.setattr(by_numba, "LEAST", 1.0)
    layer = make(90, 70, 0.2, dtype=dtype)
    x = torch.randn(45, 90, dtype=dtype, requires_grad=True)
    by_threads = []
    for threads in (1, 2, 3, 5):
        n_threads(threads)
        y = layer(x)
        by_threads.append([y.detach(), *torch.autograd.grad(y.square().sum(), [x, layer.values, layer.bias])])
    for others in by_threads[1:]:
        assert all(torch.equal(one, other) for one, other in zip(by_threads[0], others, strict=True))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_training_in_several_threads_gives_the_results_of_each_alone(n_threads, monkeypatch):
    monkeypatch.setattr(by_numba, "LEAST", 1.0)
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)

    def train(seed, into):
        layer, generator = make(50, 40, 0.1, seed), torch.Generator().manual_seed(seed)
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
        for _ in range(30):
            optimizer.zero_grad()
            layer(torch.randn(32, 50, generator=generator)).square().mean().backward()
            optimizer.step()
        into[seed] = layer.values.detach().clone()

    alone, together = {}, {}
    for seed in range(4):
        train(seed, alone)
    layers_are_made_one_at_a_time = threading.Lock()  # make() seeds torch's global generator
    original = make

    def locked(*arguments):
        with layers_are_made_one_at_a_time:
            return original(*arguments)

    globals()["make"] = locked
    try:
        workers = [threading.Thread(target=train, args=(seed, together)) for seed in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        globals()["make"] = original
        torch.set_num_threads(before)
    assert all(torch.equal(alone[seed], together[seed]) for seed in range(4))


def test_nan_and_infinity_go_where_the_links_lead():
    layer = make(6, 5, 0.4)
    x = torch.zeros(3, 6)
    x[1, 2] = float("nan")
    reached = layer.dense_weight()[:, 2] != 0
    assert reached.any()
    assert torch.equal(layer(x)[1].isnan(), reached)
    assert not layer(x)[[0, 2]].isnan().any()


def test_a_frozen_input_gets_no_gradient_and_frozen_values_train_only_the_bias():
    layer = make(6, 5)
    layer.values.requires_grad_(False)
    layer(torch.randn(4, 6)).sum().backward()
    assert layer.values.grad is None
    assert torch.equal(layer.bias.grad, torch.full((5,), 4.0))


def test_later_code_may_change_the_outputs_in_place():
    layer = make(6, 5)
    layer(torch.randn(4, 6)).relu_().sum().backward()
    assert layer.values.grad is not None


def test_autocast_computes_in_the_dtype_of_the_values():
    layer, x = make(6, 5), torch.randn(4, 6)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x.bfloat16())
    assert y.dtype == torch.float32
    assert torch.equal(y, layer(x.bfloat16().float()))


@pytest.mark.parametrize(
    ("x", "kind", "message"),
    [
        (torch.zeros(4, 5), InvalidValueError, r"shape \(4, 5\): its last dimension must be the layer's 6 inputs"),
        (torch.tensor(1.0), InvalidValueError, r"shape \(\)"),
        (torch.zeros(4, 6, dtype=torch.float64), InvalidTypeError, "float64 on cpu, but the layer is torch.float32"),
        (torch.zeros(4, 6, device="meta"), InvalidTypeError, "on meta"),
    ],
)
def test_inputs_that_do_not_fit(x, kind, message):
    with pytest.raises(kind, match=message):
        make(6, 5)(x)


def test_half_precision_is_rejected():
    with pytest.raises(InvalidTypeError, match="computes in float32 or float64, not torch"):
        make(6, 5).bfloat16()(torch.zeros(2, 6, dtype=torch.bfloat16))


def test_more_links_than_32_bits_can_number_are_rejected(monkeypatch):
    monkeypatch.setattr(index, "MOST", 8)
    with pytest.raises(InvalidValueError, match="with 9 links is too large: at most 8 links"):
        make(6, 5)


@pytest.mark.parametrize("n_new", [14, 5, 25, 1])
def test_set_links_keeps_links_that_stay_and_starts_the_rest_at_zero(n_new):
    layer = make(7, 5, 0.4)
    layer(torch.randn(4, 7)).sum().backward()
    before = dict(zip(layer.cells().tolist(), layer.values.tolist(), strict=True))
    gradient = dict(zip(layer.cells().tolist(), layer.values.grad.tolist(), strict=True))
    parameter, memory = layer.values, torch.arange(1.0, layer.n_links + 1)
    remembered = dict(zip(layer.cells().tolist(), memory.tolist(), strict=True))
    cells = torch.randperm(35, generator=torch.Generator().manual_seed(1))[:n_new].sort().values
    moved = layer.set_links(cells)
    assert layer.values is parameter
    assert torch.equal(layer.cells(), cells)
    assert layer.n_links == layer.values.numel() == layer.values.grad.numel() == n_new
    assert layer.values.tolist() == [before.get(cell, 0.0) for cell in cells.tolist()]
    assert layer.values.grad.tolist() == [gradient.get(cell, 0.0) for cell in cells.tolist()]
    assert moved(memory).tolist() == [remembered.get(cell, 0.0) for cell in cells.tolist()]
    check(layer, torch.randn(9, 7), torch.float32)


def test_a_layer_that_loses_all_links_gives_its_bias():
    layer = make(7, 5)
    layer.set_links(torch.empty(0, dtype=torch.int64))
    x = torch.randn(4, 7, requires_grad=True)
    y = layer(x)
    assert torch.equal(y, layer.bias.expand(4, 5))
    y.sum().backward()
    assert not x.grad.any()
    layer.set_links(torch.tensor([3, 11]))
    assert layer.values.tolist() == [0.0, 0.0]
    check(layer, torch.randn(4, 7), torch.float32)


@pytest.mark.parametrize("copied", ["deepcopy", "pickle"])
def test_copies_are_independent_layers(copied):
    layer, x = make(7, 5), torch.randn(3, 7)
    before = layer(x)
    if copied == "deepcopy":
        twin = copy.deepcopy(layer)
    else:
        buffer = io.BytesIO()
        torch.save(layer, buffer)
        buffer.seek(0)
        twin = torch.load(buffer, weights_only=False)
    assert type(twin) is CsrLinear
    assert torch.equal(twin(x), before)
    twin.set_links(torch.tensor([0]))
    assert torch.equal(layer(x), before)


def test_links_travel_in_the_state_dict():
    one, other = make(7, 5, 0.4, seed=1), make(7, 5, 0.7, seed=2)
    assert set(one.state_dict()) == {"values", "crow", "col", "bias"}
    x = torch.randn(3, 7)
    other(x)
    other.load_state_dict(one.state_dict())
    assert torch.equal(other.cells(), one.cells())
    assert torch.equal(other(x), one(x))
    other.set_links(torch.tensor([3]))
    assert one.n_links == 14


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crow": torch.tensor([0, 1])}, "crow is for a layer with 1 outputs, but this one has 5"),
        ({"col": torch.tensor([0], dtype=torch.int32)}, "crow, col and values do not match"),
        ({"col": torch.full((14,), 7, dtype=torch.int32)}, "not valid links of a layer with 7 inputs"),
        ({"col": torch.zeros(14, dtype=torch.int32)}, "not sorted within each output, or repeats a link"),
    ],
)
def test_invalid_links_are_rejected_on_loading(change, message):
    layer = make(7, 5, 0.4)
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(RuntimeError, match=message):
        layer.load_state_dict({**before, **change})
    assert all(torch.equal(before[name], tensor) for name, tensor in layer.state_dict().items())


def test_moving_to_another_dtype_keeps_the_links():
    layer = make(7, 5)
    cells = layer.cells()
    layer.double()
    assert torch.equal(layer.cells(), cells)
    check(layer, torch.randn(3, 7, dtype=torch.float64), torch.float64)


def test_initial_values_are_those_of_the_masked_backend():
    graph = tl.generators.erdos_renyi(30, 20, 0.2, seed=0)
    masked, csr = (tl.SparseLinear(30, 20, graph=graph, backend=backend) for backend in ("masked", "csr"))
    for layer in (masked, csr):
        layer.reset_weight(torch.Generator().manual_seed(3))
    assert torch.equal(masked.weight, csr.dense_weight())
    assert torch.equal(masked.link_values(), csr.link_values())


def test_repr_shows_how_sparse_it_is():
    assert repr(make(7, 5, 0.4)) == "CsrLinear(in_features=7, out_features=5, bias=True, n_links=14, density=40.00%)"
