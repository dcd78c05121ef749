"""Supported optimizers: those whose state can follow links, bare, as subclasses, or in wrappers."""

import copy

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import OPTIMIZERS, advance, link_state, mlp, on_links, setup
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution.per_link.optimizer_state import LINK_STATE, unwrapped

VARIANTS = {
    "SGD": [
        {}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9, "dampening": 0.5},
        {"momentum": 0.9, "fused": True}, {"momentum": 0.9, "foreach": True}, {"momentum": 0.9, "weight_decay": 0.1},
    ],
    "Adam": [
        {}, {"amsgrad": True}, {"weight_decay": 0.1}, {"foreach": True}, {"fused": True},
        {"fused": True, "amsgrad": True}, {"foreach": True, "amsgrad": True, "maximize": True},
    ],
    "AdamW": [{}, {"amsgrad": True}, {"foreach": True}, {"fused": True}, {"fused": True, "amsgrad": True}],
    "NAdam": [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"foreach": True}],
    "RAdam": [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"foreach": True}],
    "RMSprop": [{}, {"momentum": 0.5}, {"centered": True}, {"momentum": 0.5, "centered": True, "foreach": True}],
    "Adagrad": [{}, {"lr_decay": 0.1}, {"weight_decay": 0.1}, {"foreach": True}, {"fused": True}],
    "Adadelta": [{}, {"weight_decay": 0.1}, {"foreach": True}],
    "ASGD": [{}, {"t0": 5}, {"weight_decay": 0.1, "t0": 5}, {"foreach": True, "t0": 5}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name, variants in VARIANTS.items() for options in variants], ids=str
)
def test_a_zero_gradient_leaves_a_zero_entry_and_its_weight_at_zero(name, options):
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(4, 3))
    with torch.no_grad():
        weight[1] = 0
    optimizer = getattr(torch.optim, name)([weight], lr=0.1, **options)
    for _ in range(20):
        weight.grad = torch.randn(4, 3)
        weight.grad[1] = 0
        optimizer.step()
    shaped = {key: each for key, each in optimizer.state[weight].items() if getattr(each, "shape", None) == (4, 3)}
    assert shaped.keys() <= set(LINK_STATE[type(optimizer)])
    for each in (weight, *shaped.values()):
        assert bool((each[1] == 0).all())
        assert bool((each[[0, 2, 3]] != 0).all())


def test_variants_cover_the_whole_state_of_every_known_optimizer():
    assert {kind.__name__ for kind in LINK_STATE} == set(VARIANTS)
    for kind, keys in LINK_STATE.items():
        shown = set()
        for options in VARIANTS[kind.__name__]:
            weight = nn.Parameter(torch.ones(2, 2))
            weight.grad = torch.ones(2, 2)
            optimizer = kind([weight], lr=0.1, **options)
            optimizer.step()
            shown |= {key for key, each in optimizer.state[weight].items() if torch.is_tensor(each) and each.dim()}
        assert shown == set(keys)


class Eager(torch.optim.Optimizer):
    """An optimizer of an unknown library."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})


class Optimizer8bit(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})


class Adam8bit(Optimizer8bit):
    pass


def muon(model):
    return torch.optim.Muon([p for p in model.parameters() if p.dim() == 2], lr=0.1)


@pytest.mark.parametrize(
    ("make", "name", "reason"),
    [
        (lambda m: torch.optim.Adafactor(m.parameters()), "Adafactor", "moments are means over rows and columns"),
        (lambda m: torch.optim.Adamax(m.parameters()), "Adamax", "exp_inf becomes eps"),
        (lambda m: torch.optim.LBFGS(m.parameters()), "LBFGS", "history covers all weights"),
        (lambda m: torch.optim.Rprop(m.parameters()), "Rprop", "step_size starts at the learning rate"),
        (lambda m: torch.optim.SparseAdam(m.parameters()), "SparseAdam", "accepts only sparse gradients"),
        (lambda m: Adam8bit(m.parameters()), "Adam8bit", "the code of zero is not zero"),
        (lambda m: Eager(m.parameters()), "Eager", "both state and weight must stay at zero"),
        pytest.param(muon, "Muon", "orthogonalised", marks=pytest.mark.skipif(
            not hasattr(torch.optim, "Muon"), reason="torch has no Muon yet")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrapped", [False, True])
def test_other_optimizers_are_rejected_with_a_reason(make, name, reason, wrapped):
    model = tl.sparsify(mlp(20, 20, 3), "set")
    optimizer = Wrapper(make(model)) if wrapped else make(model)
    with pytest.raises(InvalidTypeError, match=rf"optimizer {name} is not supported: use one of SGD, .*{reason}"):
        tl.TopologyScheduler(model, optimizer, "set", total_steps=10, interval=2)
    with pytest.raises(InvalidTypeError, match=f"optimizer {name} is not supported"):
        tl.evolution.percolate_model(model, optimizer)


def test_an_eps_of_zero_is_rejected_as_it_gives_nan_off_the_links():
    model = tl.sparsify(mlp(20, 20, 3), "set")
    with pytest.raises(InvalidValueError, match="eps=0 divides 0 by 0"):
        tl.TopologyScheduler(model, torch.optim.Adam(model.parameters(), eps=0), "set", total_steps=10, interval=2)


class Wrapper:
    """Forwards calls, as the wrappers of accelerate and Lightning do."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    @property
    def state(self):
        return self.optimizer.state

    @property
    def param_groups(self):
        return self.optimizer.param_groups

    def step(self):
        self.optimizer.step()

    def zero_grad(self):
        self.optimizer.zero_grad()


class WrapperThatIsAnOptimizer(torch.optim.Optimizer):
    def __init__(self, optimizer):
        self.optimizer = optimizer
        super().__init__(optimizer.param_groups, optimizer.defaults)

    def step(self):
        self.optimizer.step()

    def zero_grad(self):
        self.optimizer.zero_grad()


class WrapperWithAHiddenAttribute:
    def __init__(self, optimizer):
        self._optimizer = optimizer

    def __getattr__(self, name):
        return getattr(self._optimizer, name)


def twice(optimizer):
    return Wrapper(WrapperWithAHiddenAttribute(optimizer))


@pytest.mark.parametrize("wrap", [Wrapper, WrapperThatIsAnOptimizer, WrapperWithAHiddenAttribute, twice])
@pytest.mark.parametrize("attached", [False, True])
def test_a_wrapped_optimizer_trains_like_the_bare_one(wrap, attached):
    results = []
    for wrapping in (False, True):
        model, trainer, topology = setup("rigl", "adamw")
        inner = trainer
        trainer = wrap(trainer) if wrapping else trainer
        topology = tl.TopologyScheduler(model, trainer, topology.method, total_steps=20, interval=2)
        assert topology.optimizer is inner
        if attached:
            tl.attach(trainer, topology)
        torch.manual_seed(1)
        for _ in range(9):
            nn.functional.cross_entropy(model(torch.randn(8, 12)), torch.randint(0, 3, (8,))).backward()
            trainer.step()
            if not attached:
                topology.step()
            trainer.zero_grad()
        assert topology.n_updates == 4
        results.append({name: layer.dense_weight() for name, layer in topology.layers.items()})
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_the_state_of_a_wrapped_optimizer_follows_percolation():
    model, trainer, _ = setup("static", "adam", density=0.05)
    nn.functional.cross_entropy(model(torch.randn(8, 12)), torch.randint(0, 3, (8,))).backward()
    trainer.step()
    removed = tl.evolution.percolate_model(model, Wrapper(trainer))
    layer = model[2]
    assert len(removed["2"])
    for each in link_state(trainer, layer).values():
        assert bool((each[~layer.mask] == 0).all())


@pytest.mark.parametrize("wrong", [None, 3, nn.Linear(2, 2), Wrapper(None), Wrapper(3)])
def test_objects_without_an_optimizer_are_rejected(wrong):
    model = tl.sparsify(mlp(20, 20, 3), "set")
    with pytest.raises(InvalidTypeError, match=f"optimizer is a {type(wrong).__name__}: pass a torch.optim.Optimizer"):
        tl.TopologyScheduler(model, wrong, "set", total_steps=10, interval=2)


def test_wrappers_in_a_circle_end():
    first, second = Wrapper(None), Wrapper(None)
    first.optimizer, second.optimizer = second, first
    with pytest.raises(InvalidTypeError, match="optimizer is a Wrapper"):
        unwrapped(first)


class SlowWeights(WrapperThatIsAnOptimizer):
    """Lookahead: a wrapper with its own weights in addition to the optimizer's moments."""

    def __init__(self, optimizer):
        super().__init__(optimizer)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["slow"] = p.detach().clone()


class Lookahead(Wrapper):
    """A wrapper whose slow weights appear only with the first step."""


@pytest.mark.parametrize("wrap", [SlowWeights, Lookahead])
def test_a_wrapper_with_its_own_state_is_rejected(wrap):
    model = tl.sparsify(mlp(20, 20, 3), "set")
    wrapper = wrap(torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(InvalidTypeError, match=rf"{wrap.__name__} keeps its own state .* SGD without the wrapper"):
        tl.TopologyScheduler(model, wrapper, "set", total_steps=10, interval=2)


class Renamed(torch.optim.AdamW):
    """Adds behaviour, but no state."""

    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] *= 0.9
        return super().step(closure)


class Remembering(torch.optim.SGD):
    """Adds state for every weight."""

    def __init__(self, params, lr, remember):
        super().__init__(params, lr, momentum=0.9)
        self.remember = remember

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["trace"] = self.remember(p)


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_the_state_of_a_subclass_follows_the_links(backend):
    model, _, topology = setup("set", backend=backend)
    trainer = Renamed(model.parameters(), lr=0.01)
    topology = tl.TopologyScheduler(model, trainer, topology.method, total_steps=20, interval=2)
    advance(model, trainer, topology, 6)
    assert topology.n_updates == 3
    for name, layer in topology.layers.items():
        new = topology.link_ages()[name] == 0
        for each in on_links(layer, link_state(trainer, layer)).values():
            assert bool((each[new] == 0).all())
            assert bool((each[~new] != 0).any())


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize(
    "remember",
    [
        lambda p: p.detach().clone(),
        lambda p: [p.detach().clone()],
        lambda p: p.detach().mean(-1, keepdim=True)[None].expand(2, *p.shape),
    ],
    ids=["alike", "list", "other shape"],
)
def test_unknown_state_is_rejected_by_name_before_anything_changes(remember, backend):
    model, _, topology = setup("set", backend=backend)
    trainer = Remembering(model.parameters(), 0.01, remember)
    topology = tl.TopologyScheduler(model, trainer, topology.method, total_steps=20, interval=2)
    advance(model, trainer, topology, 1)
    nn.functional.cross_entropy(model(torch.randn(8, 12)), torch.randint(0, 3, (8,))).backward()
    trainer.step()
    before = copy.deepcopy(model.state_dict()), {n: layer.cells() for n, layer in topology.layers.items()}
    message = r"Remembering has state 'trace' for sparse layer '0', .*supported: momentum_buffer"
    with pytest.raises(InvalidTypeError, match=message):
        topology.step()
    state = setup("set", seed=1, backend=backend)[2].state_dict()
    with pytest.raises(InvalidTypeError, match=message):
        topology.load_state_dict(state)
    with pytest.raises(InvalidTypeError, match=message):
        tl.TopologyScheduler(model, trainer, topology.method, total_steps=20, interval=2)
    assert all(torch.equal(before[0][key], each) for key, each in model.state_dict().items())
    assert all(torch.equal(before[1][name], layer.cells()) for name, layer in topology.layers.items())
    assert topology.n_updates == 0


@pytest.mark.parametrize("remember", [lambda p: torch.tensor(1.0), lambda p: 3, lambda p: {"norm": p.norm()}])
def test_scalars_of_a_whole_weight_are_not_link_state(remember):
    model, _, topology = setup("set")
    trainer = Remembering(model.parameters(), 0.01, remember)
    topology = tl.TopologyScheduler(model, trainer, topology.method, total_steps=20, interval=2)
    assert len(advance(model, trainer, topology, 4)) == 2


def test_the_loops_cover_every_known_optimizer():
    tried = {type(make([nn.Parameter(torch.zeros(1))])) for make in OPTIMIZERS.values()}
    assert tried == set(LINK_STATE)
