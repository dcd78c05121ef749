"""Loops with several schedulers, replaced gradients, layers that thaw, and states of other trainings."""

import copy
import warnings

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import advance, backends_of, mlp, setup
from topolearn.errors import CheckpointError, InvalidValueError

BACKENDS = pytest.mark.parametrize("backend", ["masked", "csr"])
X = torch.randn(32, 12, generator=torch.Generator().manual_seed(3))
Y = torch.arange(32) % 3
RATE = 0.1


def two_models(method, *, interval=5, interval_of_second=5):
    """Return two models in a row, with one optimizer and a scheduler for each."""
    torch.manual_seed(0)
    rule = tl.method(method) if isinstance(method, str) else method
    first, second = (tl.sparsify(mlp(*sizes), rule, exclude=[]) for sizes in ((12, 16, 8), (8, 16, 3)))
    optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=RATE)
    schedulers = [
        tl.TopologyScheduler(model, optimizer, rule, total_steps=60, interval=each)
        for model, each in ((first, interval), (second, interval_of_second))
    ]
    return nn.Sequential(first, second), optimizer, schedulers


def train(model, optimizer, schedulers, n_steps, *, way="plain"):
    """Train, and return the learning rates during and after each step."""
    rates = []
    handle = optimizer.register_step_post_hook(lambda *_: None)
    optimizer._optimizer_step_post_hooks.move_to_end(handle.id, last=False)
    optimizer._optimizer_step_post_hooks[handle.id] = lambda o, *_: rates.append([o.param_groups[0]["lr"]])

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X), Y)
        loss.backward()
        return loss

    for _ in range(n_steps):
        optimizer.step(closure) if way == "closure" else (closure(), optimizer.step())
        for topology in schedulers:
            topology.step()
        rates[-1].append(optimizer.param_groups[0]["lr"])
    handle.remove()
    return rates


@pytest.mark.parametrize("way", ["plain", "closure"])
def test_learning_rates_return_after_every_step_of_two_schedulers(way):
    method = tl.method("set", density=0.3, rewarmup_steps=3)
    *all_of_them, schedulers = two_models(method, interval_of_second=6)
    rates = train(*all_of_them, schedulers, 17, way=way)
    assert [after for _, after in rates] == [RATE] * 17
    during = [round(rate / RATE, 3) for rate, _ in rates]
    # Updates follow steps 5, 10 and 15, and steps 6 and 12; the lower factor counts.
    assert during == [1, 1, 1, 1, 1, 0.333, 0.333, 0.667, 1, 1, 0.333, 0.667, 0.333, 0.667, 1, 0.333, 0.667]


@pytest.mark.parametrize("way", ["plain", "closure"])
def test_a_step_that_fails_leaves_the_learning_rates_of_two_schedulers(way):
    model, optimizer, schedulers = two_models(tl.method("set", density=0.3, rewarmup_steps=3))
    train(model, optimizer, schedulers, 5)
    handle = optimizer.register_step_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(model, optimizer, schedulers, 1, way=way)
    handle.remove()
    assert train(model, optimizer, schedulers, 1, way=way)[0][1] == RATE


@pytest.mark.parametrize("way", ["plain", "closure"])
@pytest.mark.parametrize("method", ["rigl", "granet", "srigl"])
def test_gradients_of_a_skipped_step_reach_both_schedulers(method, way):
    model, optimizer, schedulers = two_models(tl.method(method, density=0.3))
    train(model, optimizer, schedulers, 4, way=way)
    before = [each.detach().clone() for each in model.parameters()]
    updates = [topology.n_updates for topology in schedulers]
    kept = copy.deepcopy(model)
    train(model, optimizer, schedulers, 1, way=way)
    assert [topology.n_updates for topology in schedulers] == [n + 1 for n in updates]
    biases = [(old, new) for old, new in zip(before, model.parameters(), strict=True) if old.dim() == 1]
    assert len(biases) == 4 and all(torch.equal(old, new) for old, new in biases)  # the step was skipped
    assert any((old.mask != new.mask).any() for old, new in zip(_masked(kept), _masked(model), strict=True))


def _masked(model):
    return [module for module in model.modules() if isinstance(module, tl.SparseLinear)]


@BACKENDS
@pytest.mark.parametrize("method", ["rigl", "granet", "srigl"])
def test_gradients_that_are_replaced_are_not_silently_ignored(method, backend):
    model, optimizer, topology = setup(method, backend=backend, skip_gradient_step=False, total=40)

    def combine():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X[:16]), Y[:16]).backward()
        first = [each.grad.clone() for each in model.parameters()]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X[16:]), Y[16:]).backward()
        for parameter, gradient in zip(model.parameters(), first, strict=True):
            parameter.grad = parameter.grad + gradient

    with pytest.warns(UserWarning, match="was replaced after the backward pass"):
        for _ in range(2):
            combine()
            optimizer.step()
            topology.step()
    with warnings.catch_warnings():  # once is enough
        warnings.simplefilter("error")
        for _ in range(2):
            combine()
            optimizer.step()
            topology.step()


@BACKENDS
@pytest.mark.parametrize("method", ["rigl", "granet"])
def test_ordinary_changes_of_gradients_raise_no_warning(method, backend):
    model, optimizer, topology = setup(method, backend=backend)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Using backward.* with create_graph=True")  # torch's
        for _ in range(6):
            optimizer.zero_grad(set_to_none=False)
            for half in (slice(0, 16), slice(16, 32)):
                loss = nn.functional.cross_entropy(model(X[half]), Y[half])
                loss.backward(create_graph=half.start == 0)
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            topology.step()
    assert topology.n_updates == 3


@BACKENDS
@pytest.mark.parametrize("method", ["rigl", "granet", "srigl", "mest", "chts"])
def test_a_layer_that_thaws_evolves_from_the_next_update_on(method, backend):
    model, optimizer, topology = setup(method, backend=backend, interval=3)
    model[0].link_parameter.requires_grad_(False)
    cells = [model[0].cells()]
    for step in range(9):
        if step == 4:  # between two updates, after recording may have begun
            model[0].link_parameter.requires_grad_(True)
        advance(model, optimizer, topology, 1)
        if topology.last_update_step == topology.n_steps:
            cells.append(model[0].cells())
    assert torch.equal(cells[0], cells[1])
    assert not torch.equal(cells[0], cells[-1])
    assert topology.n_updates == 3


@BACKENDS
def test_the_state_of_a_training_at_another_density_is_rejected(backend):
    *_, dense = setup("set", density=0.6, backend=backend)
    model, optimizer, topology = setup("set", density=0.3, backend=backend)
    before = topology.state_dict()
    with pytest.raises(CheckpointError, match=r"at density 0\.6, but this method has density 0\.3: use"):
        topology.load_state_dict(dense.state_dict())
    former = {key: value for key, value in before.items() if key != "density"}  # as earlier versions saved it
    topology.load_state_dict(former)
    advance(model, optimizer, topology, 2)


@BACKENDS
def test_a_model_with_another_number_of_links_is_not_taken_silently(backend):
    other, *_ = setup("set", density=0.1, backend=backend)
    model, optimizer, topology = setup("set", density=0.3, backend=backend)
    model.load_state_dict(other.state_dict())
    n_links = other[0].n_links
    with pytest.warns(
        UserWarning, match=rf"layer '0' has {n_links} links at step 2, but had \d+ after the last update"
    ):
        advance(model, optimizer, topology, 2)


@pytest.mark.parametrize(("method", "backend"), [(m, b) for m in ("set", "chts") for b in backends_of(m)])
def test_former_weights_of_a_converted_model_resume_exactly(method, backend):
    def make():
        model, optimizer, topology = setup(method, backend=backend, regrown="history", total=40)
        model.double()
        return model, optimizer, topology

    def run(model, optimizer, topology, stop):
        while topology.n_steps < stop:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X.double()), Y).backward()
            optimizer.step()
            topology.step()

    whole, first, second = make(), make(), make()
    run(*whole, 30)
    run(*first, 15)
    for target, source in zip(second, first, strict=True):
        target.load_state_dict(copy.deepcopy(source.state_dict()))
    run(*second, 30)
    for one, other in zip(whole[0].state_dict().values(), second[0].state_dict().values(), strict=True):
        assert torch.equal(one, other)


class LayerDrop(nn.Module):
    """A network whose second layer is not used in every third step, at which the topology changes."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(12, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x, *, drops):
        x = torch.relu(self.a(x))
        return self.c(x if drops else x + torch.relu(self.b(x)))


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize(
    ("method", "options"),
    [("rigl", {}), ("srigl", {}), ("granet", {}), ("granet", {"distribution": "global"}), ("mest", {})],
)
def test_a_layer_that_was_not_used_keeps_its_links_in_that_update(method, options, set_to_none):
    torch.manual_seed(0)
    rule = tl.method(method, density=0.3, **options)
    model = tl.sparsify(LayerDrop(), rule)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=40, interval=2)
    kept = 0
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for step in range(1, 41):
            optimizer.zero_grad(set_to_none=set_to_none)
            drops = step % 6 == 0
            nn.functional.cross_entropy(model(X, drops=drops), Y).backward()
            optimizer.step()
            before = model.b.graph
            update = topology.step()
            kept += update is not None and drops and model.b.graph == before
    has_zeros = method == "mest" and not set_to_none  # it needs the gradients of its links alone, which are 0 then
    assert [str(each.message).split(",")[0] for each in told] == ["layers b have no gradient at step 6"][has_zeros:]
    assert kept == (0 if has_zeros else topology.plan.last_update // 6)
    total = sum(layer.n_links for layer in topology.layers.values())
    assert method == "srigl" or total == sum(topology.plan.final.values())


def test_a_step_without_any_gradient_is_an_error():
    model, optimizer, topology = setup("rigl")
    advance(model, optimizer, topology, 1)
    optimizer.zero_grad()
    optimizer.step()
    with pytest.raises(InvalidValueError, match="layer '0' has no gradient at step 2, but the method needs one"):
        topology.step()


def test_a_pooled_layer_that_thaws_after_the_decay_gives_its_surplus_back():
    model, optimizer, topology = setup("granet", density=0.2, distribution="global", total=40)
    advance(model, optimizer, topology, 3)
    model[0].weight.requires_grad_(False)
    advance(model, optimizer, topology, topology.plan.end - 3)
    frozen = model[0].n_links
    assert sum(layer.n_links for layer in topology.layers.values()) > sum(topology.plan.final.values())
    model[0].weight.requires_grad_(True)
    advance(model, optimizer, topology, 4)
    assert model[0].n_links < frozen
    assert sum(layer.n_links for layer in topology.layers.values()) == sum(topology.plan.final.values())
