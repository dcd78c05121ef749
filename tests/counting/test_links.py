"""Counted links match those of a real training, at every step."""

from itertools import chain, repeat

import pytest

import topolearn as tl
from tests.counting.counted import STEPS, costs, training
from topolearn.evolution import METHODS
from topolearn.sparse import StoredLinear, sparse_layers, topology_of

WHOLE = {"srigl": {"ablation": None}, "cht": {"early_stop": False}}  # both depend on the weights


@pytest.mark.parametrize("name", [name for name, row in METHODS.items() if not row.is_dense])
def test_every_step_has_the_links_that_were_counted(name):
    method = tl.method(name, density=0.2, **WHOLE.get(name, {}))
    counted = costs(method)
    planned = list(chain.from_iterable(repeat(each, each.n_steps) for each in counted.schedule))
    assert len(planned) == STEPS
    for step, (model, _, topology) in enumerate(training(method)):
        layers = sparse_layers(model)
        present = {name: layer.n_links for name, layer in layers.items()}
        stretch = planned[min(step, STEPS - 1)]
        assert present == stretch.links, step
        stored = {name: layer.n_trained for name, layer in layers.items() if isinstance(layer, StoredLinear)}
        assert stored == {name: stretch.trained[name] for name in stored}, step
        if step == 0:
            assert present == counted.links
        n_updates = topology.n_updates
    graphs = topology_of(model).graphs
    assert {name: graph.n_links for name, graph in graphs.items()} == counted.last_links
    if method.removal is not None:
        assert sum(each.n_updates for each in counted.schedule) == n_updates


@pytest.mark.parametrize(
    "overrides",
    [
        {"distribution": "erk"},
        {"distribution": {"2": 0.5}},
        {"decay_start": 0.3, "decay_end": 0.6},
        {"density_schedule": "one_shot"},
        {"density_schedule": "em_s", "decay_end": 0.5, "stop_fraction": 0.5},
    ],
    ids=str,
)
def test_schedules_and_distributions_are_those_of_the_scheduler(overrides):
    method = tl.method("granet", density=0.2, **overrides)
    counted = costs(method)
    planned = list(chain.from_iterable(repeat(each.links, each.n_steps) for each in counted.schedule))
    for step, (model, _, _) in enumerate(training(method)):
        assert {name: layer.n_links for name, layer in sparse_layers(model).items()} == planned[min(step, STEPS - 1)]


def test_pooled_layers_have_the_sum_that_was_counted():
    method = tl.method("gmp", density=0.2, distribution="global")
    *_, (model, _, _) = training(method)
    assert sum(layer.n_links for layer in sparse_layers(model).values()) == costs(method).total.last_links


def test_excluded_layers_stay_dense():
    assert set(costs(tl.method("set"), exclude=["0"]).links) == {"2", "4"}
    assert costs(tl.method("dense", density=1.0)).links == {}


def test_parameters_are_those_of_the_real_models():
    method = tl.method("chtss", density=0.1)
    counted = costs(method).total
    ((model, _, _),) = training(method, backend="csr", steps=0)
    dense = costs(tl.method("dense")).total
    assert counted.sparse_parameters == sum(each.numel() for each in model.parameters())
    assert counted.parameters == dense.parameters == dense.sparse_parameters == dense.last_parameters
    assert counted.parameters == sum(each.numel() for each in tl.densify(model).parameters())
    *_, (model, _, _) = training(method, backend="csr")
    assert counted.last_parameters == sum(each.numel() for each in model.parameters())
