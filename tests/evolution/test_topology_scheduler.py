"""The scheduler in a plain loop: when it updates, what it leaves behind, what it refuses."""

import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import topolearn as tl
from topolearn.errors import CheckpointError, InvalidTypeError, InvalidValueError
from topolearn.evolution import METHODS
from topolearn.sparse import sparse_layers

EVOLVING = [name for name, row in METHODS.items() if row.evolves]
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, foreach=False),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=1e-3),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
}


def mlp(*sizes):
    layers = itertools.chain.from_iterable((nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(sizes))
    return nn.Sequential(*list(layers)[:-1])


def setup(method="chts", optimizer="momentum", *, sizes=(12, 20, 16, 3), seed=0, density=0.3, interval=2, total=20):
    torch.manual_seed(seed)
    rule = tl.method(method, density=density)
    model = tl.sparsify(mlp(*sizes), rule, seed=seed)
    trainer = OPTIMIZERS[optimizer](model.parameters())
    return model, trainer, tl.TopologyScheduler(
        model, trainer, rule, total_steps=total, interval=interval, seed=seed
    )  # fmt: skip


def train_step(model, optimizer):
    x = torch.randn(8, model[0].in_features)
    nn.functional.cross_entropy(model(x), torch.randint(0, 3, (8,))).backward()
    optimizer.step()


def link_state(optimizer, weight):
    return {k: v for k, v in optimizer.state[weight].items() if torch.is_tensor(v) and v.shape == weight.shape}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("method", EVOLVING)
def test_nothing_exists_off_the_links_after_any_step(method, optimizer):
    model, trainer, topology = setup(method, optimizer)
    n_links = {name: layer.n_links for name, layer in topology.layers.items()}
    n_updates = 0
    for _ in range(20):
        train_step(model, trainer)
        n_updates += topology.step() is not None
        for name, layer in topology.layers.items():
            off = ~layer.mask
            assert layer.n_links == n_links[name]
            assert not layer.weight[off].any()
            assert not layer.weight.grad[off].any()
            assert all(not value[off].any() for value in link_state(trainer, layer.weight).values())
        trainer.zero_grad()
    assert n_updates == topology.n_updates == 9
    assert optimizer == "sgd" or link_state(trainer, model[0].weight)


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "amsgrad"])
@pytest.mark.parametrize("method", EVOLVING)
def test_links_that_stay_keep_weight_and_state_and_new_ones_start_at_zero(method, optimizer):
    model, trainer, topology = setup(method, optimizer, interval=3)
    for _ in range(2):
        train_step(model, trainer)
        topology.step()
    train_step(model, trainer)
    before = {
        name: (layer.mask.clone(), layer.weight.detach().clone(), copy.deepcopy(link_state(trainer, layer.weight)))
        for name, layer in topology.layers.items()
    }
    update = topology.step()
    assert update.index == 1
    for name, layer in topology.layers.items():
        old, weight, state = before[name]
        stays, new = old & layer.mask, layer.mask & ~old
        assert new.any()
        assert torch.equal(layer.weight[stays], weight[stays])
        assert not layer.weight[new].any()
        for key, value in link_state(trainer, layer.weight).items():
            assert torch.equal(value[stays], state[key][stays])
            assert not value[new].any()
        returned = {tuple(e) for e in update[name].removed.tolist()} & {tuple(e) for e in update[name].regrown.tolist()}
        for i, o in returned:
            assert layer.weight[o, i] == weight[o, i]


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(3, 24), min_size=3, max_size=5),
    density=st.floats(0.15, 1.0),
    seed=st.integers(0, 1000),
    method=st.sampled_from(EVOLVING),
)
@pytest.mark.filterwarnings("ignore:percolation would leave")
def test_random_runs_keep_their_counts(sizes, density, seed, method):
    model, trainer, topology = setup(method, "adam", sizes=(*sizes, 3), seed=seed, density=density, interval=1, total=6)
    counts = {name: layer.n_links for name, layer in topology.layers.items()}
    for _ in range(6):
        links = {name: set(layer.cells().tolist()) for name, layer in topology.layers.items()}
        train_step(model, trainer)
        update = topology.step()
        trainer.zero_grad()
        for name, layer in topology.layers.items():
            assert layer.n_links == counts[name]
            assert not layer.weight[~layer.mask].any()
            if update:
                lost = {(o * layer.in_features) + i for i, o in update[name].removed.tolist()}
                assert lost <= links[name]


@pytest.mark.parametrize(
    ("interval", "total", "stop_fraction", "expected"),
    [(2, 10, 1.0, [2, 4, 6, 8]), (5, 10, 1.0, [5]), (10, 10, 1.0, []), (1, 4, 0.5, [1]), (3, 10, 0.75, [3, 6])],
)
def test_updates_come_at_multiples_of_the_interval_and_never_at_the_last_step(interval, total, stop_fraction, expected):
    rule = tl.method("set", density=0.3, stop_fraction=stop_fraction)
    model = tl.sparsify(mlp(8, 8, 3), rule)
    trainer = OPTIMIZERS["sgd"](model.parameters())
    topology = tl.TopologyScheduler(model, trainer, rule, total_steps=total, interval=interval)
    updates = [topology.step() for _ in range(total + 3)]
    assert [u.step for u in updates if u] == expected
    assert [u.index for u in updates if u] == list(range(1, len(expected) + 1))


@pytest.mark.parametrize("method", ["static", "dense"])
def test_methods_that_do_not_evolve_never_update(method):
    rule = tl.method(method)
    model = tl.sparsify(mlp(8, 40, 3), rule)
    topology = tl.TopologyScheduler(model, OPTIMIZERS["adam"](model.parameters()), rule, total_steps=9, interval=1)
    assert [topology.step() for _ in range(9)] == [None] * 9


def test_an_update_says_what_happened():
    model, trainer, topology = setup(interval=1)
    before = sparse_layers(model)["0"].graph
    train_step(model, trainer)
    update = topology.step()
    assert list(update) == ["0", "2"]
    assert len(update["0"].removed) == int(0.3 * before.n_links)
    assert update.overlap["0"] == update["0"].overlap
    frame = update.to_frame()
    assert frame["removed"].tolist() == [len(u.removed) for u in update.values()]
    assert repr(update).startswith(f"TopologyUpdate(1 at step 1: {frame['removed'].sum()} removed")


def test_attached_to_the_optimizer_it_counts_its_steps():
    model, trainer, topology = setup(interval=2)
    handle = tl.attach(trainer, topology)
    for _ in range(4):
        train_step(model, trainer)
    assert (topology.n_steps, topology.n_updates, topology.last_update.step) == (4, 2, 4)
    handle.remove()
    train_step(model, trainer)
    assert topology.n_steps == 4


@pytest.mark.parametrize("method", EVOLVING)
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_resumed_from_its_state_it_goes_on_bit_for_bit(method, optimizer):
    def advance(parts, n):
        for _ in range(n):
            train_step(parts[0], parts[1])
            parts[2].step()
            parts[1].zero_grad()

    parts = setup(method, optimizer)
    advance(parts, 7)
    saved = copy.deepcopy([part.state_dict() for part in parts])
    rng = torch.get_rng_state()
    advance(parts, 8)
    expected = copy.deepcopy(parts[0].state_dict())

    again = setup(method, optimizer, seed=5)
    again[2].load_state_dict(saved[2])
    again[0].load_state_dict(saved[0])
    again[1].load_state_dict(saved[1])
    torch.set_rng_state(rng)
    advance(again, 8)
    assert all(torch.equal(value, expected[key]) for key, value in again[0].state_dict().items())
    assert again[2].state_dict()["n_updates"] == parts[2].n_updates


def test_loading_the_model_before_its_topology_is_refused():
    model, _, _ = setup()
    other, _, _ = setup(seed=1)
    with pytest.raises(RuntimeError, match="load the topology first"):
        other.load_state_dict(model.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("links"), "has no 'links'"),
        (lambda s: s["links"].pop("2"), "of layers 0; the model has 0, 2"),
        (
            lambda s: s["shapes"].update({"2": (16, 21)}),
            r"layer '2' is \(16, 21\) in the topology state and \(16, 20\)",
        ),
        (lambda s: s["links"].update({"0": torch.tensor([10**6])}), "not cells of the layer"),
        (lambda s: s["links"].update({"0": torch.tensor([], dtype=torch.int64)}), "not cells of the layer"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, message):
    model, _, topology = setup()
    before = {name: layer.graph for name, layer in sparse_layers(model).items()}
    state = copy.deepcopy(topology.state_dict())
    change(state)
    with pytest.raises(CheckpointError, match=message):
        topology.load_state_dict(state)
    assert {name: layer.graph for name, layer in sparse_layers(model).items()} == before


def test_a_weight_that_is_not_finite_stops_the_update_and_leaves_the_model():
    model, trainer, topology = setup(interval=1)
    train_step(model, trainer)
    links = model[2].graph
    with torch.no_grad():
        model[2].weight[0, 0] = float("nan")
    with pytest.raises(InvalidValueError, match=r"layer '2' has a weight that is not finite at step 1"):
        topology.step()
    assert model[2].graph == links


def build(model=None, rule="set", optimizer=None, **options):
    model = model if model is not None else tl.sparsify(mlp(20, 20, 3), "set")
    optimizer = optimizer(model) if optimizer else torch.optim.SGD(model.parameters(), lr=0.1)
    return tl.TopologyScheduler(model, optimizer, rule, **{"total_steps": 10, "interval": 2, **options})


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"optimizer": lambda m: torch.optim.SGD(m[2].parameters(), lr=0.1)}, InvalidValueError,
         "sparse layer '0' is in no param group"),
        ({"optimizer": lambda m: torch.optim.Rprop(m.parameters())}, InvalidTypeError, "Rprop is not supported: use"),
        ({"model": mlp(20, 20, 3)}, InvalidValueError, "no sparse layer for method 'set': call sparsify"),
        ({"rule": tl.method("set", density=0.5)}, InvalidValueError, "has 20 links, but method 'set' at density 0.5"),
        ({"rule": "dense"}, InvalidValueError, "is dense, but the model has sparse layers"),
        ({"rule": "sett"}, ValueError, "did you mean 'set'"),
        ({"rule": 7}, InvalidTypeError, "not int"),
        ({"interval": 0}, InvalidValueError, "interval=0 must be at least 1"),
        ({"total_steps": 0}, InvalidValueError, "total_steps=0 must be at least 1"),
        ({"interval": 2.5}, InvalidTypeError, "interval=2.5 must be an integer"),
    ],
)  # fmt: skip
def test_bad_arguments(options, kind, message):
    with pytest.raises(kind, match=message):
        build(**options)


def test_attach_refuses_another_optimizer():
    _, _, topology = setup()
    with pytest.raises(InvalidValueError, match="another optimizer"):
        tl.attach(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1), topology)


class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(20, 20), nn.Linear(20, 20), nn.Linear(20, 2)


def test_percolation_without_known_groups_is_announced():
    model = tl.sparsify(Custom(), "chts")
    with pytest.warns(UserWarning, match="no neuron groups were found between the layers first, second"):
        build(model, "chts")
