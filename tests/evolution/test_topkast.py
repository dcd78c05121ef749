"""Top-KAST by hand, and compared with a plain dense program of its rule."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import topolearn as tl
from tests.evolution.loops import OPTIMIZERS, advance, backward, setup
from tests.evolution.topkast_loops import ALWAYS, trained
from topolearn.evolution import exploration_loss

# One layer of 4 inputs and 2 outputs, D = 1/4: links 0, 1, trained 0 to 3. The head is (1, -2), the input (1, 2, 3, 4),
# so that the gradient is 1 2 3 4 / -2 -4 -6 -8.
THETA = (4.0, -3.0, 2.0, 1.0, -0.5, 0.4, 0.3, 0.2)


def by_hand(theta=THETA, optimizer=None, total=5, **overrides):
    model = nn.Sequential(nn.Linear(4, 2, bias=False), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor(theta).view(2, 4))
        model[1].weight.copy_(torch.tensor([[1.0, -2.0]]))
    model.requires_grad_(False)[0].requires_grad_(True)
    model = model.double()
    rule = tl.method("topkast", density=0.25, **{"exploration_penalty": 0.1, **ALWAYS, **overrides})
    tl.sparsify(model, rule, init="keep")
    make = optimizer or (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01))
    optimizer = make(model.parameters())
    return model, optimizer, tl.TopologyScheduler(model, optimizer, rule, total_steps=total, interval=2)


def step(model, optimizer, topology):
    optimizer.zero_grad()
    model(torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)).sum().backward()
    optimizer.step()
    return topology.step()


def test_two_steps_and_the_update_after_them():
    parts = by_hand()
    layer = parts[0][0]

    def momentum():
        return parts[1].state[layer.weight]["momentum_buffer"].flatten()

    assert (layer.cells().tolist(), trained(layer)) == ([0, 1], [0, 1, 2, 3])
    assert step(*parts) is None
    # Gradient + .1 theta on the links, + .1 theta / (1/4) on 2 and 3, + .01 theta of weight decay.
    first = [1 + 0.44, 2 - 0.33, 3 + 0.82, 4 + 0.41]
    assert layer.latest_values().tolist() == pytest.approx([3.856, -3.167, 1.618, 0.559, *THETA[4:]], abs=1e-7)
    assert momentum().tolist() == pytest.approx([*first, 0, 0, 0, 0], abs=1e-7)
    update = step(*parts)
    # .9 of the first step's, and 1.42416, 1.65163, 3.66338, 4.22919.
    moved = [3.583984, -3.482463, 0.907862, -0.260819]
    assert layer.latest_values().tolist() == pytest.approx([*moved, *THETA[4:]], abs=1e-6)
    # Cell 4, -.5, now comes before cell 3, -.26: it is trained from here on, and cell 3 stays unchanged.
    assert (layer.cells().tolist(), trained(layer)) == ([0, 1], [0, 1, 2, 4])
    assert repr(update) == "TopologyUpdate(1 at step 2: nothing changed)"
    assert momentum().tolist() == pytest.approx([2.72016, 3.15463, 7.10138, 0, 0, 0, 0, 0], abs=1e-6)
    step(*parts)
    values = layer.latest_values().tolist()
    assert values[3] == pytest.approx(moved[3], abs=1e-6)
    assert values[4] == pytest.approx(-0.5 - 0.1 * (-2 - 0.2 - 0.005), abs=1e-6)


def test_a_link_that_is_overtaken_returns_with_its_value():
    model, optimizer, topology = by_hand(optimizer=lambda p: torch.optim.SGD(p, lr=0.0), total=10)
    layer = model[0]
    found = []
    for values in ([1.5, -3, 2, 1], [1.5, -3, 0.1, 0.2], [0.45, -3, 0.1, 0.2]):
        theta = layer.latest_values()
        theta[:4] = torch.tensor(values)
        layer.set_stored(theta)
        step(model, optimizer, topology)
        update = step(model, optimizer, topology)["0"]
        events = {word: (getattr(update, word) @ [1, 4]).tolist() for word in ("decayed", "removed", "regrown")}
        found.append((layer.cells().tolist(), trained(layer), layer.link_values().tolist(), events))
    assert found[0] == ([1, 2], [0, 1, 2, 3], [-3.0, 2.0], {"decayed": [], "removed": [0], "regrown": [2]})
    assert found[1] == ([0, 1], [0, 1, 4, 5], [1.5, -3.0], {"decayed": [], "removed": [2], "regrown": [0]})
    assert found[2][0] == [1, 4]
    assert found[2][2] == [-3.0, -0.5]


def test_only_the_links_train_after_the_last_update():
    parts = by_hand()
    layer = parts[0][0]
    counts = []
    for _ in range(5):
        step(*parts)
        counts.append((layer.n_links, len(trained(layer))))
    assert counts == [(2, 4), (2, 4), (2, 4), (2, 2), (2, 2)]
    off = ~layer.mask
    assert not layer.weight[off].any()
    assert not parts[1].state[layer.weight]["momentum_buffer"][off].any()
    assert layer.latest_values().view(2, 4)[off].all()


def test_the_method_trains_only_the_links_in_the_last_quarter():
    model, trainer, topology = setup("topkast", total=20)
    counts = {}
    for step_number in range(1, 21):
        advance(model, trainer, topology, 1)
        counts[step_number] = (int(model[0].mask.sum()), int(model[0].trained.sum()))
    assert counts[13] == (48, 96)
    assert counts[14] == counts[20] == (48, 48)  # the last update below 15


@pytest.mark.parametrize("seed", range(4))
def test_ties_are_broken_at_random_and_counts_are_exact(seed):
    model = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 2))
    nn.init.ones_(model[0].weight)
    model = tl.sparsify(model, tl.method("topkast", density=0.25), init="keep", seed=seed)
    again = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 2))
    nn.init.ones_(again[0].weight)
    again = tl.sparsify(again, tl.method("topkast", density=0.25), init="keep", seed=seed + 1)
    assert model[0].n_links == 12
    assert int(model[0].trained.sum()) == 24
    assert not (model[0].mask & ~model[0].trained).any()
    assert not model[0].mask.equal(again[0].mask)


def test_the_added_gradient_is_that_of_the_exploration_loss():
    model, _, _ = setup("topkast", density=0.2, dtype=torch.float64)
    for layer in (model[0], model[2]):
        theta, links, cells = layer.weight.detach(), layer.mask, layer.trained
        value = theta[links].square().sum() / 2 + theta[cells & ~links].square().sum() / 2 / 0.2
        assert exploration_loss(layer).item() == pytest.approx(value.item(), rel=1e-12)
    backward(model)
    plain = [p.grad.clone() for p in model.parameters()]
    (0.3 * (exploration_loss(model[0]) + exploration_loss(model[2]))).backward()
    expected = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    rule = tl.method("topkast", density=0.2, exploration_penalty=0.3)
    trainer = torch.optim.SGD(model.parameters(), lr=0.0)
    topology = tl.TopologyScheduler(model, trainer, rule, total_steps=20, interval=2)
    for parameter, gradient in zip(model.parameters(), plain, strict=True):
        parameter.grad = gradient
    trainer.step()
    topology.step()
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-12, atol=1e-15)
    model.zero_grad()
    trainer.step()
    assert all(parameter.grad is None for parameter in model.parameters())  # no gradient, no loss


@pytest.mark.parametrize("fused", [False, True])
def test_the_exploration_loss_is_added_once_per_step_at_any_scale_and_accumulation(fused):
    found = []
    for scale, parts in ((None, 1), (2.0**10, 1), (2.0**10, 4)):
        model, _, topology = setup("topkast", dtype=torch.float64)
        rule = topology.method.with_overrides({"exploration_penalty": 0.05})
        trainer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=fused)
        topology = tl.TopologyScheduler(model, trainer, rule, total_steps=20, interval=2)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, enabled=scale is not None)
        torch.manual_seed(1)
        for _ in range(8):
            x, y = torch.randn(8, 12, dtype=torch.float64), torch.randint(0, 3, (8,))
            for a, b in zip(x.chunk(parts), y.chunk(parts), strict=True):
                scaler.scale(F.cross_entropy(model(a), b) / parts).backward()
            scaler.step(trainer)
            scaler.update()
            topology.step()
            trainer.zero_grad()
        assert topology.n_updates == 4
        found.append(torch.cat([layer.latest_values() for layer in topology.layers.values()]))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(found[2], found[0], rtol=0, atol=1e-12)


class Plain:
    """Top-KAST as a dense program: all weights in one matrix, sets by sorting, optimizer steps written out."""

    def __init__(self, theta, density, penalty):
        self.theta, self.density, self.penalty = theta.clone(), density, penalty
        self.n_links = round(density * theta.numel())
        self.moments = [torch.zeros_like(theta), torch.zeros_like(theta)]
        self.choose(2 * self.n_links)

    def choose(self, n_trained):
        order = self.theta.abs().flatten().argsort(descending=True)
        self.a, self.b = (torch.zeros_like(self.theta, dtype=torch.bool) for _ in range(2))
        self.a.view(-1)[order[: self.n_links]] = True
        self.b.view(-1)[order[:n_trained]] = True
        self.moments = [moment * self.b for moment in self.moments]

    def move(self, gradient, optimizer, t):
        density = self.n_links / self.theta.numel()
        gradient = gradient + self.penalty * torch.where(self.a, self.theta, self.theta / density)
        gradient += 1e-3 * self.theta  # weight decay
        first, second = self.moments
        if optimizer == "momentum":
            first = 0.9 * first + gradient
            change = -0.05 * first
        else:
            first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
            change = -0.01 * first / (1 - 0.9**t) / ((second / (1 - 0.999**t)).sqrt() + 1e-8)
        self.moments = [first * self.b, second * self.b]
        self.theta = torch.where(self.b, self.theta + change, self.theta)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_a_plain_dense_program_of_the_rule_agrees(optimizer):
    model, trainer, topology = setup(
        "topkast", optimizer, dtype=torch.float64, interval=3, total=22, exploration_penalty=0.01, **ALWAYS
    )
    other = tl.densify(copy.deepcopy(model))
    rest = OPTIMIZERS[optimizer]([other[0].bias, other[2].bias, *other[4].parameters()])
    plain = {i: Plain(model[i].latest_values().view(model[i].shape), 0.2, 0.01) for i in (0, 2)}
    n_moved = 0
    for t in range(1, 23):
        x, y = torch.randn(8, 12, dtype=torch.float64), torch.randint(0, 3, (8,))
        for i, each in plain.items():
            assert torch.equal(model[i].mask, each.a)
            assert torch.equal(model[i].trained, each.b)
            other[i].weight.data.copy_(each.theta * each.a)
        other.zero_grad()
        F.cross_entropy(other(x), y).backward()
        rest.step()
        for i, each in plain.items():
            each.move(other[i].weight.grad, optimizer, t)
            if t % 3 == 0:
                before = each.a.clone()
                each.choose(2 * each.n_links if t < 21 else each.n_links)
                n_moved += int((before != each.a).sum())
        trainer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        trainer.step()
        topology.step()
        for i, each in plain.items():
            torch.testing.assert_close(model[i].latest_values(), each.theta.flatten(), rtol=0, atol=1e-12)
    assert topology.n_updates == 7
    assert n_moved > 4
