"""Invariants of every method, backend and optimizer: counts, places, optimizer state, resuming."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import topolearn as tl
from tests.evolution.loops import (
    DECAYING,
    EVOLVING,
    OPTIMIZERS,
    advance,
    backends_of,
    link_state,
    on_links,
    scheduled,
    setup,
    train_step,
)
from tests.profiles import examples
from topolearn.errors import InvalidValueError
from topolearn.evolution import METHODS
from topolearn.evolution.scheduling.state import TENSORS

CASES = [(method, backend) for method in EVOLVING for backend in backends_of(method)]
EVERY = pytest.mark.parametrize(("method", "backend"), CASES)
MAIN = ("momentum", "adam")  # with every method; the other optimizers only with CHTs
EVERY_WITH_OPTIMIZERS = pytest.mark.parametrize(
    ("method", "backend", "optimizer"),
    [
        pytest.param(*case, optimizer, marks=() if optimizer in MAIN or case[0] == "chts" else pytest.mark.slow)
        for case in CASES
        for optimizer in OPTIMIZERS
    ],
)
LOST = ("decayed", "removed", "percolated")

pytestmark = pytest.mark.filterwarnings("ignore:percolation would leave")


def cells_of(edges, layer):
    return set((edges @ [1, layer.in_features]).tolist())


def places(method, layer, cells):
    """Return where missing links must grow: the whole layer, or with constant fan-in the rows of some cells."""
    n_in, n_out = layer.in_features, layer.out_features
    if not METHODS[method].constant_fan_in:
        return [range(n_in * n_out)] if cells else []
    return [range(n_in * row, n_in * (row + 1)) for row in {cell // n_in for cell in cells}]


def full_without(layer, lost, place):
    """Return whether all cells of a place, except lost ones, are links."""
    return len(place) - len(set(place) & set(layer.cells().tolist())) < len(set(place) & lost)


@EVERY_WITH_OPTIMIZERS
def test_links_weights_gradients_and_state_after_any_step(method, backend, optimizer):
    model, trainer, topology = setup(method, optimizer, backend=backend)
    before = {name: set(layer.cells().tolist()) for name, layer in topology.layers.items()}
    n_updates = 0
    for _ in range(20):
        train_step(model, trainer)
        update = topology.step()
        n_updates += update is not None
        for name, layer in topology.layers.items():
            expected = scheduled(topology, update.step, name) if update else len(before[name])
            assert layer.n_links == layer.cells().unique().numel() == expected
            if update:
                lost = set().union(*(cells_of(getattr(update[name], event), layer) for event in LOST))
                regrown = cells_of(update[name].regrown, layer)
                assert lost <= before[name]
                assert not regrown & (before[name] - lost)
                assert set(layer.cells().tolist()) == (before[name] - lost) | regrown
            before[name] = set(layer.cells().tolist())
            if backend == "masked":
                off = ~layer.trained_mask
                assert not layer.weight[off].any()
                assert layer.weight.grad is None or not layer.weight.grad[off].any()
                assert all(not value[off].any() for value in link_state(trainer, layer).values())
            else:
                assert all(v.shape == layer.values.shape for v in trainer.state[layer.values].values() if v.dim())
        trainer.zero_grad()
    assert n_updates == topology.n_updates > 0
    assert optimizer == "sgd" or link_state(trainer, topology.layers["0"])
    assert topology.plan.final == {"0": 48, "2": 64}
    assert all(layer.n_links == scheduled(topology, 20, name) for name, layer in topology.layers.items())


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "rmsprop"])
@EVERY
def test_links_that_stay_keep_weight_and_state_and_new_ones_start_at_zero(method, backend, optimizer):
    still = {"l1": 0.0, "noise": 0.0} if METHODS[method].has_signs else {}  # otherwise weights move in an update
    model, trainer, topology = setup(method, optimizer, backend=backend, interval=3, **still)
    for _ in range(2):
        train_step(model, trainer)
        topology.step()
    train_step(model, trainer)
    before = {}
    for name, layer in topology.layers.items():
        if METHODS[method].has_signs:
            layer.set_link_values(layer.link_values() * torch.tensor([-1.0, 1, 1, 1]).repeat(layer.n_links // 4))
        state = {"weight": layer.link_values().clone(), **on_links(layer, copy.deepcopy(link_state(trainer, layer)))}
        earlier = dict.fromkeys(state, torch.zeros(layer.in_features * layer.out_features))
        if METHODS[method].reselects_links:  # cells that are not links have values too, and trained ones have state
            earlier = {"weight": layer.latest_values()}
            earlier |= {key: value.flatten().clone() for key, value in link_state(trainer, layer).items()}
        before[name] = layer.cells(), state, earlier
    update = topology.step()
    for name, layer in topology.layers.items():
        cells, state, earlier = before[name]
        if METHODS[method].has_signs:  # links that return start from zero, even within one update
            stay = torch.isin(cells, torch.from_numpy(update[name].removed @ [1, layer.in_features]), invert=True)
            cells, state = cells[stay], {key: value[stay] for key, value in state.items()}
        now = {"weight": layer.link_values(), **on_links(layer, link_state(trainer, layer))}
        stays = torch.isin(layer.cells(), cells)
        assert len(state) > 1
        for key, value in state.items():
            assert torch.equal(now[key][stays], value[torch.isin(cells, layer.cells())])
            # A pruned weight returns with its value, but none has been pruned yet.
            assert torch.equal(now[key][~stays], earlier[key][layer.cells()[~stays]])
        assert METHODS[method].removal is None or not stays.all()


@EVERY
def test_masked_and_csr_reach_the_same_links(method, backend):
    if backend == "csr":
        return
    runs = []
    for each in backends_of(method):
        model, trainer, topology = setup(method, "adam", backend=each, dtype=torch.float64)
        updates = advance(model, trainer, topology, 20)
        runs.append([{n: {e: getattr(u[n], e).tolist() for e in (*LOST, "regrown")} for n in u} for u in updates])
        runs[-1].append({name: layer.cells().tolist() for name, layer in topology.layers.items()})
    assert len(runs[0]) > 3
    assert all(run == runs[0] for run in runs)


@EVERY_WITH_OPTIMIZERS
def test_a_resumed_run_continues_bit_for_bit(method, backend, optimizer):
    parts = setup(method, optimizer, backend=backend)
    advance(*parts, 7)
    saved = copy.deepcopy([part.state_dict() for part in parts])
    rng = torch.get_rng_state()
    expected = advance(*parts, 8), copy.deepcopy(parts[0].state_dict())

    again = setup(method, optimizer, backend=backend, seed=5)
    again[2].load_state_dict(saved[2])
    again[0].load_state_dict(saved[0])
    again[1].load_state_dict(saved[1])
    torch.set_rng_state(rng)
    updates = advance(*again, 8)
    assert [repr(update) for update in updates] == [repr(update) for update in expected[0]]
    assert all(torch.equal(value, expected[1][key]) for key, value in again[0].state_dict().items())
    found, wanted = again[2].state_dict(), parts[2].state_dict()
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        if isinstance(value, dict) and isinstance(next(iter(value.values())), torch.Tensor):
            assert all(torch.equal(found[key][name], each) for name, each in value.items())
        else:
            assert found[key] == value


@examples(40)
@given(
    sizes=st.lists(st.integers(4, 24), min_size=3, max_size=5),
    density=st.floats(0.15, 0.45),
    seed=st.integers(0, 1000),
    case=st.sampled_from(CASES),
    interval=st.integers(2, 5),
    distribution=st.sampled_from(["uniform", "erk", "global", "erk+global"]),
    allow_return=st.booleans(),
)
def test_random_runs_keep_their_counts(sizes, density, seed, case, interval, distribution, allow_return):
    method, backend = case
    row = METHODS[method]
    density = max(density, 0.35) if row.constant_fan_in else density  # each neuron needs an input
    parts = {"allow_return": allow_return} if row.removal else {}
    if "global" not in distribution or (row.decays and row.zeta is not None):
        parts["distribution"] = distribution
    model, trainer, topology = setup(
        method, "adam", sizes=(*sizes, 3), seed=seed, density=density, interval=interval, total=24, backend=backend,
        **parts,
    )  # fmt: skip
    for _ in range(24):
        for update in advance(model, trainer, topology, 1):
            expected = {name: scheduled(topology, update.step, name) for name in topology.layers}
            counts = {name: layer.n_links for name, layer in topology.layers.items()}
            assert sum(counts.values()) == sum(expected.values())
            assert topology.method.is_pooled or counts == expected
            assert min(counts.values()) >= 1
            for name, layer in topology.layers.items():
                lost = set().union(*(cells_of(getattr(update[name], event), layer) for event in LOST))
                returned = lost & cells_of(update[name].regrown, layer)
                assert allow_return or all(full_without(layer, lost, row) for row in places(method, layer, returned))
    if topology.method.decays:
        assert sum(layer.n_links for layer in topology.layers.values()) == sum(topology.plan.final.values())


@pytest.mark.parametrize("method", DECAYING)
def test_the_density_falls_from_its_start_to_its_end(method):
    model, trainer, topology = setup(method, "adam", density=0.05, total=200, interval=10, sizes=(40, 50, 40, 3))
    counts = [topology.layers["0"].n_links]
    for _ in advance(model, trainer, topology, 200):
        counts.append(topology.last_update.step)
    start = {"mest": 0.1}.get(method, 0.5)
    assert counts[0] == round(start * 2000)
    assert topology.layers["0"].n_links == 100
    assert topology.layers["2"].n_links == 100


@EVERY
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_non_finite_weight_is_rejected_and_the_model_stays_unchanged(method, backend, value):
    model, trainer, topology = setup(method, "adam", backend=backend)
    advance(model, trainer, topology, 1)
    train_step(model, trainer)
    broken = model[2].link_values().clone()
    broken[3] = value
    model[2].set_link_values(broken)
    before = copy.deepcopy([model.state_dict(), trainer.state_dict()["state"]])
    with pytest.raises(InvalidValueError, match="layer '2' has a weight that is not finite at step 2"):
        topology.step()
    assert topology.n_updates == 0
    for found, expected in zip(
        [model.state_dict(), *trainer.state_dict()["state"].values()], [before[0], *before[1].values()], strict=True
    ):
        for key, tensor in expected.items():
            torch.testing.assert_close(found[key], tensor, rtol=0, atol=0, equal_nan=True)


@EVERY
def test_frozen_layers_stay_unchanged(method, backend):
    model, trainer, topology = setup(method, "momentum", backend=backend, total=20)
    model[2].requires_grad_(False)
    topology = tl.TopologyScheduler(model, trainer, topology.method, total_steps=20, interval=2)
    cells, values = model[2].cells().clone(), model[2].link_values().clone()
    updates = advance(model, trainer, topology, 20)
    assert len(updates) > 1
    assert all(not len(getattr(u["2"], event)) for u in updates for event in (*LOST, "regrown"))
    assert torch.equal(model[2].cells(), cells)
    assert torch.equal(model[2].link_values(), values)
    assert model[0].n_links == scheduled(topology, 20, "0")


@EVERY
def test_ages_and_explored_cells(method, backend):
    model, trainer, topology = setup(method, backend=backend, total=20)
    ever = {name: set(layer.cells().tolist()) for name, layer in topology.layers.items()}
    born = {name: dict.fromkeys(cells, 0) for name, cells in ever.items()}
    assert topology.itop_rate() == {"0": len(ever["0"]) / 240, "2": len(ever["2"]) / 320}
    for _ in range(20):
        for update in advance(model, trainer, topology, 1):
            for name, layer in topology.layers.items():
                cells = layer.cells().tolist()
                ever[name] |= set(cells)
                born[name] = {cell: born[name].get(cell, update.step) for cell in cells}
        for name, ages in topology.link_ages().items():
            assert ages.tolist() == [topology.n_steps - born[name][c] for c in topology.layers[name].cells().tolist()]
        assert topology.itop_rate() == {"0": len(ever["0"]) / 240, "2": len(ever["2"]) / 320}


@pytest.mark.parametrize("n_steps", [0, 2, 6])
@pytest.mark.parametrize("method", EVOLVING)
def test_the_tensors_of_a_state_share_no_memory(method, n_steps):
    """Checkpoints reject shared memory, and writing to one state must not change another, or the training itself."""
    for backend in backends_of(method):
        model, optimizer, topology = setup(method, backend=backend)
        advance(model, optimizer, topology, n_steps)
        state, again = topology.state_dict(), topology.state_dict()
        tensors = [tensor for each in (state, again) for key in TENSORS for tensor in each.get(key, {}).values()]
        tensors += [layer.cells() for layer in topology.layers.values()]
        places = [tensor.untyped_storage().data_ptr() for tensor in tensors]
        assert len(set(places)) == len(places)
