"""Memory orders: results are those of the masked backend in every order, and nothing is transposed needlessly."""

import copy
import gc
import inspect

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.sparse.chains.dropout import dropout
from topolearn.sparse.chains.sequential import ELEMENT_WISE

N_IN, N_OUT = 24, 20
GRAPH = tl.generators.erdos_renyi(N_IN, N_OUT, 0.3, seed=0)
SQUARE = tl.generators.erdos_renyi(N_IN, N_IN, 0.3, seed=0)

# Tensors with N_IN features that autograd computes from a tensor with ten rows.
LAYOUTS = {
    "contiguous": lambda x: x * 1,
    "transposed": lambda x: x.t().contiguous().t(),
    "every other row": lambda x: x[::2],
    "columns of a wider one": lambda x: torch.cat([x, x], 1)[:, 5 : 5 + N_IN],
    "expanded": lambda x: x[:1].expand(6, N_IN),
    "one vector": lambda x: x[3],
    "one row": lambda x: x[3:4],
    "three dimensions": lambda x: x.reshape(2, 5, N_IN),
    "three dimensions, transposed": lambda x: x.reshape(2, 5, N_IN).transpose(0, 1),
    "three dimensions, feature-major": lambda x: x.t().contiguous().t().view(2, 5, N_IN),
    "no row": lambda x: x[:0],
    "no row in three dimensions": lambda x: x[:0].reshape(0, 5, N_IN),
}
EACH_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS)


def layers(graph=GRAPH, dtype=torch.float64):
    """Return a csr layer, and a masked one with the same weights."""
    masked = tl.SparseLinear(graph.n_in, graph.n_out, graph=graph, backend="masked", dtype=dtype)
    csr = tl.SparseLinear(graph.n_in, graph.n_out, graph=graph, backend="csr", dtype=dtype)
    with torch.no_grad():
        csr.set_link_values(masked.link_values())
        csr.bias.copy_(masked.bias)
    return csr, masked


def rows(dtype=torch.float64):
    return torch.randn(10, N_IN, dtype=dtype, generator=torch.Generator().manual_seed(0)).requires_grad_()


@EACH_LAYOUT
@pytest.mark.parametrize("feature_major", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_outputs_and_gradients_are_those_of_the_masked_layer(layout, feature_major, dtype, tolerance):
    results = []
    for layer in layers(dtype=dtype):
        layer.feature_major = feature_major
        x = rows(dtype)
        y = layer(LAYOUTS[layout](x))
        F.gelu(y).mean(-1).sum().backward()
        results.append((y, x.grad, layer.link_gradient(), layer.bias.grad))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("layout", "feature_major"), [("contiguous", False), ("transposed", True)])
def test_a_gradient_has_the_order_of_the_inputs(layout, feature_major):
    csr, _ = layers()
    x, seen = LAYOUTS[layout](rows()), []
    x.register_hook(seen.append)
    csr(x).sum().backward()
    assert seen[0].stride() == x.stride()
    assert seen[0].t().is_contiguous() is feature_major


def inputs_of(y):
    """Return the address of the transposed inputs that a layer keeps, given its outputs."""
    node = y.grad_fn
    while node.name() != "ChainBackward":
        node = node.next_functions[0][0]
    return node.saved_tensors[0].data_ptr()


class Block(nn.Module):
    """Attention projections and a hidden layer, calling functions as Hugging Face models do."""

    def __init__(self, p=0.0):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(N_IN, N_IN) for _ in range(4))
        self.fc1, self.fc2 = nn.Linear(N_IN, 40), nn.Linear(40, N_IN)
        self.activation_fn, self.norm, self.p, self.seen = F.relu, nn.LayerNorm(N_IN), p, {}

    def forward(self, x):
        h = self.norm(x)
        q, k, v = self.seen["qkv"] = self.q_proj(h), self.k_proj(h), self.v_proj(h)
        x = x + self.out_proj(F.scaled_dot_product_attention(q, k, v))
        h = self.fc1(self.norm(x))
        h = F.dropout(self.activation_fn(h), self.p, self.training)
        self.seen["hidden"], y = h, self.fc2(h)
        self.seen["last"] = y
        return x + F.dropout(y, self.p, self.training)


def block(backend, p=0.0):
    torch.manual_seed(0)
    return tl.sparsify(Block(p).double(), tl.method("static", density=0.3), backend=backend, exclude=[], seed=0)


def test_a_block_transposes_the_inputs_of_its_projections_once_and_hidden_neurons_never():
    model = block("csr", p=0.1)
    assert {name for name, layer in tl.sparse.sparse_layers(model).items() if layer.feature_major} == {"fc1"}
    y = model(rows().view(2, 5, N_IN))
    assert len({inputs_of(each) for each in model.seen["qkv"]}) == 1
    assert inputs_of(model.seen["last"]) == model.seen["hidden"].data_ptr()
    assert y.is_contiguous()


@pytest.mark.parametrize("how", ["plain", "checkpointed", "compiled", "copied"])
def test_a_block_computes_what_the_masked_one_does(how):
    results = []
    for backend in ("csr", "masked"):
        model, x = block(backend), rows().view(2, 5, N_IN)
        run = {
            "checkpointed": lambda x, model=model: checkpoint(model, x, use_reentrant=False),
            "compiled": torch.compile(model, backend="eager"),
            "copied": copy.deepcopy(model),
        }.get(how, model)
        y = run(x)
        results.append((y, *torch.autograd.grad(y.square().sum(), [x])))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_what_is_written_between_two_layers_is_read():
    (one, one_masked), (two, two_masked) = layers(), layers()
    for write in (lambda x: x.mul_(2), lambda x: x.detach().mul_(2), lambda x: x[2:4].zero_()):
        results = []
        for first, second in ((one, two), (one_masked, two_masked)):
            x = rows().detach().requires_grad_() * 1
            with torch.no_grad():
                first(x)
            before = first(x).detach()
            write(x)
            results.append((before, second(x).detach()))
        for csr, masked in zip(*results, strict=True):
            torch.testing.assert_close(csr, masked, rtol=1e-12, atol=1e-12)


def test_overwritten_inputs_are_rejected_in_the_backward_pass():
    (one, _), (two, _) = layers(), layers()
    x = rows() * 1
    loss = one(x).sum() + two(x).sum()
    x.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("requires_grad", [False, True])
def test_memory_that_others_write_to_is_read_each_time(requires_grad):
    csr, masked = layers()
    x = rows().detach().requires_grad_(requires_grad)
    for _ in range(2):
        torch.testing.assert_close(csr(x), masked(x), rtol=1e-12, atol=1e-12)
        x.detach().numpy()[:] += 1  # changes no version


def test_a_shared_transpose_lives_as_long_as_a_graph_needs_it():
    (one, _), (two, _) = layers(), layers()
    x = rows() * 1
    y, z = one(x), two(x)
    assert inputs_of(y) == inputs_of(z)
    ((_, kept),) = x.grad_fn.metadata.values()
    (y.sum() + z.sum()).backward()
    gc.collect()
    assert kept() is None
    with torch.no_grad():
        one(x)
    assert kept() is None


def test_outputs_of_one_node_are_distinguished():
    csr, masked = layers()
    halves = (rows() * 1).chunk(2)
    for half in halves:
        torch.testing.assert_close(csr(half), masked(half), rtol=1e-12, atol=1e-12)


def test_gradients_of_shared_inputs_can_be_differentiated_again():
    trio = [layers(SQUARE)[0] for _ in range(3)]

    def product(x):
        h = x * 1
        return trio[0](h) * trio[1](h) + trio[2](h)

    assert torch.autograd.gradgradcheck(product, rows()[:3].detach().requires_grad_())


def test_under_autocast_inputs_are_shared_after_their_conversion():
    (one, one_masked), (two, two_masked) = layers(dtype=torch.float32), layers(dtype=torch.float32)
    x = (rows(torch.float32) * 1).to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        y = one(x) + two(x)
    torch.testing.assert_close(y, one_masked(x.float()) + two_masked(x.float()), rtol=1e-5, atol=1e-5)


SAFE = [kind for kind in ELEMENT_WISE if kind is not nn.Dropout]


@pytest.mark.parametrize("kind", SAFE, ids=[kind.__name__ for kind in SAFE])
@pytest.mark.parametrize("inplace", [False, True])
def test_element_wise_modules_between_sparse_layers_transpose_nothing(kind, inplace):
    if inplace and "inplace" not in inspect.signature(kind).parameters:
        pytest.skip("never in place")
    module = kind(inplace=True) if inplace else kind()
    results, hidden = [], []
    for backend in ("csr", "masked"):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(N_IN, 40), module, nn.Linear(40, N_IN)).double()
        tl.sparsify(model, tl.method("static", density=0.3), backend=backend, exclude=[], seed=0)
        x = rows()
        handle = module.register_forward_pre_hook(lambda _, inputs: hidden.append(inputs[0]))
        y = model(x)
        handle.remove()
        y.square().sum().backward()
        results.append((y, x.grad, model[0].link_gradient(), model[0].bias.grad, model[2].link_gradient()))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)
    assert hidden[0].t().is_contiguous() is not inplace


def with_dropout(p, *, inplace=False):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(N_IN, 40), nn.ReLU(), nn.Dropout(p, inplace), nn.Linear(40, N_IN)).double()
    return tl.sparsify(model, tl.method("static", density=0.3), backend="csr", exclude=[], seed=0)


def test_a_sequence_with_dropout_computes_with_the_kept_activations():
    model, x = with_dropout(0.4), rows()
    results = []
    for step_by_step in (False, True):
        torch.manual_seed(1)
        y = model[3](dropout(torch.relu(model[0](x)), 0.4)) if step_by_step else model(x)
        results.append((y, *torch.autograd.grad(y.square().sum(), [x, *model.parameters()])))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("p", "inplace"), [(0.0, False), (1.0, False), (0.4, True)])
def test_other_dropout_is_that_of_torch(p, inplace):
    model, x = with_dropout(p, inplace=inplace), rows()
    torch.manual_seed(1)
    y = model(x)
    torch.manual_seed(1)
    h = F.dropout(torch.relu(model[0](x)).contiguous(), p)
    torch.testing.assert_close(y, model[3](h), rtol=1e-12, atol=1e-12)
    y.sum().backward()
    before = torch.get_rng_state()
    model.eval()(x)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("p", [1e-12, 0.1, 0.5, 0.9, 1 - 1e-12])
def test_dropout_drops_its_share(dtype, p):
    n = 200_001
    with torch.random.fork_rng():
        torch.manual_seed(0)
        y = dropout(torch.full((n,), 2.0, dtype=dtype), p)
        again = dropout(torch.full((n,), 2.0, dtype=dtype), p)
    share = float((y == 0).double().mean())
    assert abs(share - p) <= 5 * (p * (1 - p) / n) ** 0.5 + 1e-9
    torch.testing.assert_close(y[y != 0], torch.full_like(y[y != 0], 2 / (1 - p)))
    assert torch.equal(y, again) is (p in (1e-12, 1 - 1e-12))


@EACH_LAYOUT
def test_dropout_keeps_the_order_of_memory(layout):
    x = LAYOUTS[layout](rows())
    y = dropout(x, 0.5)
    assert y.shape == x.shape
    assert y.stride() == torch.empty_like(x).stride()
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient * x, y)


@pytest.mark.parametrize("p", [0, 1, -0.1, float("nan")])
def test_values_that_are_not_probabilities_are_rejected(p):
    with pytest.raises(InvalidValueError, match="strictly between 0 and 1"):
        dropout(torch.ones(3), p)
