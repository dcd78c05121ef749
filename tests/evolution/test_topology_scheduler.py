"""The scheduler in a plain loop: when it updates, its results, and what it rejects."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import topolearn as tl
from tests.evolution.loops import OPTIMIZERS, mlp, setup, train_step
from topolearn.errors import CheckpointError, InvalidTypeError, InvalidValueError
from topolearn.sparse import sparse_layers


def step_without_gradient(optimizer, topology):
    optimizer.step()
    return topology.step()


@pytest.mark.parametrize(
    ("interval", "total", "stop_fraction", "expected"),
    [(2, 10, 1.0, [2, 4, 6, 8]), (5, 10, 1.0, [5]), (10, 10, 1.0, []), (1, 4, 0.5, [1]), (3, 10, 0.75, [3, 6])],
)
def test_updates_happen_at_multiples_of_the_interval_and_never_at_the_last_step(
    interval, total, stop_fraction, expected
):
    rule = tl.method("set", density=0.3, stop_fraction=stop_fraction)
    model = tl.sparsify(mlp(8, 8, 3), rule)
    trainer = OPTIMIZERS["sgd"](model.parameters())
    topology = tl.TopologyScheduler(model, trainer, rule, total_steps=total, interval=interval)
    updates = [step_without_gradient(trainer, topology) for _ in range(total + 3)]
    assert [u.step for u in updates if u] == expected
    assert [u.index for u in updates if u] == list(range(1, len(expected) + 1))


@pytest.mark.parametrize("method", ["static", "dense"])
def test_methods_that_do_not_evolve_never_update(method):
    rule = tl.method(method)
    model = tl.sparsify(mlp(8, 40, 3), rule)
    trainer = OPTIMIZERS["adam"](model.parameters())
    topology = tl.TopologyScheduler(model, trainer, rule, total_steps=9, interval=1)
    assert [step_without_gradient(trainer, topology) for _ in range(9)] == [None] * 9


def test_an_update_reports_what_happened():
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


def test_an_attached_scheduler_counts_the_optimizer_steps():
    model, trainer, topology = setup(interval=2)
    handle = tl.attach(trainer, topology)
    for _ in range(4):
        train_step(model, trainer)
    assert (topology.n_steps, topology.n_updates, topology.last_update.step) == (4, 2, 4)
    handle.remove()
    train_step(model, trainer)
    assert topology.n_steps == 4


def test_weights_without_links_are_rejected_before_their_topology():
    model, _, _ = setup()
    other, _, _ = setup(seed=1)
    state = {key: value for key, value in model.state_dict().items() if not key.endswith("links_packed")}
    with pytest.raises(RuntimeError, match="load the topology first"):
        other.load_state_dict(state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("links"), "has no 'links'"),
        (lambda s: s["links"].pop("2"), "'links' in the topology state has layers 0, but the model has 0, 2"),
        (
            lambda s: s["shapes"].update({"2": (16, 21)}),
            r"layer '2' has shape \(16, 21\) in the topology state but \(16, 20\)",
        ),
        (lambda s: s["links"].update({"0": torch.tensor([10**6])}), "must be sorted cells of the layer"),
        (lambda s: s["links"].update({"0": torch.tensor([], dtype=torch.int64)}), "must be sorted cells of the layer"),
    ],
)
def test_a_state_that_does_not_fit_is_rejected_and_changes_nothing(change, message):
    model, _, topology = setup()
    before = {name: layer.graph for name, layer in sparse_layers(model).items()}
    state = copy.deepcopy(topology.state_dict())
    change(state)
    with pytest.raises(CheckpointError, match=message):
        topology.load_state_dict(state)
    assert {name: layer.graph for name, layer in sparse_layers(model).items()} == before


def test_a_non_finite_weight_stops_the_update_and_leaves_the_model_unchanged():
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


def computed(how):
    """Return a sparse model whose first weight is computed from other parameters."""
    model = tl.sparsify(mlp(20, 20, 3), "set", backend="masked")
    how(model[0])
    return model


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"optimizer": lambda m: torch.optim.SGD(m[2].parameters(), lr=0.1)}, InvalidValueError,
         "sparse layer '0' is in no param group"),
        ({"optimizer": lambda m: torch.optim.Rprop(m.parameters())}, InvalidTypeError, "Rprop is not supported: use"),
        ({"model": computed(lambda layer: prune.l1_unstructured(layer, "weight", 0.5))}, InvalidValueError,
         r"sparse layer '0' computes its weight with .*prune: call torch\.nn\.utils\.prune\.remove\(layer, 'weight'\)"),
        ({"model": computed(parametrizations.weight_norm)}, InvalidValueError,
         "sparse layer '0' has a parametrised weight: call torch.nn.utils.parametrize.remove_parametrizations"),
        ({"model": mlp(20, 20, 3)}, InvalidValueError, "no sparse layers for method 'set': call sparsify"),
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


@pytest.mark.parametrize(
    ("seed", "kind", "message"),
    [
        (-1, InvalidValueError, "seed=-1 must be at least 0"),
        (2**63, InvalidValueError, f"seed={2**63} must be at least 0 and below"),
        (1.7, InvalidTypeError, "seed=1.7 must be an integer"),
        ("3", InvalidTypeError, "seed='3' must be an integer"),
        (None, InvalidTypeError, "seed=None must be an integer"),
    ],
)
def test_a_seed_is_one_that_a_state_can_hold(seed, kind, message):
    for door in (build, lambda seed: tl.sparsify(mlp(20, 20, 3), "set", seed=seed)):
        with pytest.raises(kind, match=message):
            door(seed=seed)


def test_attach_rejects_another_optimizer():
    _, _, topology = setup()
    with pytest.raises(InvalidValueError, match="another optimizer"):
        tl.attach(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1), topology)


class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(20, 20), nn.Linear(20, 20), nn.Linear(20, 2)


def test_percolation_without_known_groups_gives_a_warning():
    model = tl.sparsify(Custom(), "chts")
    with pytest.warns(
        UserWarning, match=r"no neuron groups are known for the layers first, second, so their links do not percolate"
    ):
        build(model, "chts")
