"""Generators by name, and their composition over a stack of layers."""

import numpy as np
import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.generators import make, make_network, model_parameters, needs_data, split_name
from topolearn.graph import NeuronGroup

STACK = {"a": (40, 60, 300), "b": (60, 50, 320), "c": (50, 60, 330)}
CHAIN = [NeuronGroup(("a",), ("b",)), NeuronGroup(("b",), ("c",))]
SEEDS = {"a": 0, "b": 1, "c": 2}


def paths(network):
    """Number of directed paths from the first inputs to the last outputs."""
    reached = 1
    for graph in network.graphs.values():
        reached = graph.to_scipy().astype(float) @ (np.ones(graph.n_in) * reached)
    return float(np.sum(reached))


def test_a_plain_name_is_its_generator():
    assert tl.generators.make("bsf", 40, 60, 0.1, seed=3) == tl.generators.bipartite_scale_free(40, 60, 0.1, seed=3)


def test_equal_partition_follows_a_name():
    plain, equal = (tl.generators.make(name, 40, 60, 0.1, seed=3) for name in ("bsf", "bsf+ep"))
    assert np.array_equal(plain.fan_in, equal.fan_in)
    assert set(equal.fan_out) == {6}


def test_a_stack_has_equal_fan_outs_only_in_its_first_layer_and_more_paths_when_resorted():
    plain, sorted_ = (make_network(name, STACK, CHAIN, seeds=SEEDS) for name in ("bsf+ep", "bsf+ep+resort"))
    for network in (plain, sorted_):
        assert {name: graph.n_links for name, graph in network.graphs.items()} == {n: x[2] for n, x in STACK.items()}
        assert np.ptp(network["a"].fan_out) <= 1
        assert np.ptp(network["b"].fan_out) > 1
    assert paths(sorted_) > 1.3 * paths(plain)
    for name in STACK:
        assert sorted(sorted_[name].fan_in) == sorted(plain[name].fan_in)


def test_hubs_meet_hubs_in_a_resorted_stack():
    network = make_network("bsf+resort", STACK, CHAIN, seeds=SEEDS)
    for group in network.groups:
        fan_in, fan_out = network[group.writers[0]].fan_in, network[group.readers[0]].fan_out
        assert np.all(np.diff(fan_in) >= 0)
        assert np.all(np.diff(fan_out) >= 0)


def test_composition_works_through_sparsify():
    model = nn.Sequential(nn.Linear(40, 60), nn.ReLU(), nn.Linear(60, 60), nn.ReLU(), nn.Linear(60, 3))
    network = tl.topology_of(tl.sparsify(model, tl.method("set", density=0.1, generator="bsf+ep+resort")))
    assert np.ptp(network["0"].fan_out) == 0
    assert np.all(np.diff(network["0"].fan_in) >= 0)
    assert np.all(np.diff(network["2"].fan_out) >= 0)


def test_sparsify_distributes_links_as_the_method_says():
    model = nn.Sequential(nn.Linear(40, 60), nn.ReLU(), nn.Linear(60, 20), nn.ReLU(), nn.Linear(20, 3))
    rule = tl.method("set", density=0.1, distribution="erk")
    tl.sparsify(model, rule)
    assert model[0].n_links + model[2].n_links == 360
    assert model[0].n_links == 200
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    tl.TopologyScheduler(model, optimizer, rule, total_steps=4, interval=2)
    with pytest.raises(InvalidValueError, match=r"layer '0' has 200 links.*starts with 240"):
        tl.TopologyScheduler(model, optimizer, tl.method("set", density=0.1), total_steps=4, interval=2)


def test_sparsify_gives_data_to_generators_that_start_from_it():
    data = torch.rand(50, 40)
    model = nn.Sequential(nn.Linear(40, 60), nn.ReLU(), nn.Linear(60, 3))
    rule = tl.method("set", density=0.1, generator="csti")
    with pytest.raises(InvalidValueError, match=r"generator 'csti' needs data: pass inputs .* with calibration="):
        tl.sparsify(model, rule)
    assert type(model[0]) is nn.Linear
    tl.sparsify(model, rule, calibration=data, seed=0)
    assert model[0].n_links == 240


DATA = np.random.default_rng(1).random((30, 40))


@pytest.mark.parametrize("first", ["er", "csti", "brf"])
@pytest.mark.parametrize("name", ["bsw", "bsf", "csti"])
def test_the_first_layer_can_have_its_own_model(name, first):
    params = {"beta": 0.1} if name == "bsw" else {}
    given = {"data": DATA} if name == "csti" else {}
    whole = make_network(name, STACK, CHAIN, seeds=SEEDS, **given, **params)
    with_data = {"data": DATA} if "csti" in (name, first) else {}
    mixed = make_network(name, STACK, CHAIN, seeds=SEEDS, input_generator=first, **with_data, **params)
    given = {"data": DATA} if first == "csti" else {}
    assert mixed["a"] == tl.generators.make(first, 40, 60, 300 / 2400, seed=SEEDS["a"], **given)
    assert (mixed["b"], mixed["c"]) == (whole["b"], whole["c"])


def test_a_model_of_the_first_layer_is_resorted_with_the_others():
    network = make_network("bsf+resort", STACK, CHAIN, seeds=SEEDS, input_generator="csti", data=DATA)
    assert np.all(np.diff(network["a"].fan_in) >= 0)
    assert sorted(network["a"].fan_out) == sorted(tl.generators.make("csti", 40, 60, 0.125, seed=0, data=DATA).fan_out)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"generator": "bsf+ep", "input_generator": "csti"}, "generator='bsf.ep' equalizes the fan-outs of the first"),
        ({"input_generator": "bsf+ep"},
         "input_generator='bsf.ep' must not have steps, as it creates a single layer: use 'bsf'"),
        ({"generator": "fixed_fan_in", "input_generator": "csti", "constant_fan_in": True, "removal": None,
          "regrowth": None}, "input_generator='csti' creates unequal fan-ins"),
    ],
)  # fmt: skip
def test_models_of_the_first_layer_that_do_not_fit(parts, message):
    with pytest.raises(InvalidValueError, match=message):
        tl.method("set", **parts)
    with pytest.raises(UnknownNameError, match="unknown generator 'cst': did you mean 'csti'"):
        tl.method("set", input_generator="cst")
    with pytest.raises(InvalidValueError, match="generator_params or input_generator"):
        tl.method("dense", input_generator="csti")


def test_sparsify_needs_data_only_for_the_first_layer():
    model = nn.Sequential(nn.Linear(40, 60), nn.ReLU(), nn.Linear(60, 60), nn.ReLU(), nn.Linear(60, 3))
    rule = tl.method("chts", density=0.1, input_generator="csti")
    assert rule.needs_data
    assert not tl.method("chts").needs_data
    with pytest.raises(InvalidValueError, match="generator 'csti' needs data"):
        tl.sparsify(model, rule)
    tl.sparsify(model, rule, calibration=torch.tensor(DATA), seed=0)
    strength = np.abs(np.corrcoef(DATA.T))
    graph = model[0].graph
    linked = strength[graph.edges()[:, 0], graph.edges()[:, 1] % 40]
    assert np.mean(linked) > 2 * strength.mean()


def test_training_starts_from_the_training_data(tmp_path):
    config = tl.TrainConfig(
        method="chts", overrides={"generator": "csti"}, hidden=(64,), epochs=1, threads=1, run_dir=tmp_path / "run"
    )
    run = tl.train(config, quiet=True)
    data = tl.training.load_dataset("digits").train_x
    seed = tl.sampling.RandomField(0, "hidden1", 0, "generator").integer
    assert run.history.at(0)["hidden1"] == tl.generators.correlated(64, 64, 0.05, data=data, seed=seed)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bsf+eq", r"unknown step 'eq' in .*did you mean 'ep'"),
        ("bfs", "unknown generator 'bfs': did you mean 'bsw'"),
        ("bsf+", "unknown step ''"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(UnknownNameError, match=message):
        split_name(name)
    with pytest.raises(UnknownNameError, match=message):
        tl.method("set", generator=name)


@pytest.mark.parametrize("call", [split_name, lambda name: make(name, 4, 4, 0.5)])
@pytest.mark.parametrize("name", [5, None, ["er"]])
def test_names_that_are_no_strings(call, name):
    with pytest.raises(InvalidTypeError, match="must be the name of a generator: er, bsw"):
        call(name)


def test_resort_without_known_neighbours_is_rejected():
    with pytest.raises(InvalidValueError, match="none of the layers a, b, c are known to meet"):
        make_network("bsf+resort", STACK, [], seeds=SEEDS)


def test_unused_data_is_rejected():
    with pytest.raises(InvalidValueError, match="generator 'er' uses no data"):
        tl.generators.make("er", 5, 5, 0.5, data=np.zeros((3, 5)))


def test_what_generators_take():
    assert model_parameters("bsw+ep") == ["beta"]
    assert model_parameters("csti") == []
    assert needs_data("csti")
    assert not needs_data("brf")
