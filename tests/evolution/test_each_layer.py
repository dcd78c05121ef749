"""Work for each layer, one after another or several at a time on threads, with the same results."""

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.evolution.methods import METHODS
from topolearn.evolution.step.each_layer import LAYERS, of_each

CPU = [torch.device("cpu")]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 2 * LAYERS, 4 * LAYERS])
def test_results_are_in_the_order_of_the_layers_and_threads_as_before(threads, n, n_threads):
    n_threads(threads)
    names = [f"layer{i}" for i in range(n)]
    assert list(of_each(len, names, CPU).items()) == [(name, len(name)) for name in names]
    assert torch.get_num_threads() == threads


def test_many_layers_are_computed_single_threaded_and_in_the_grad_mode_of_the_caller(n_threads):
    n_threads(2)
    names = [str(i) for i in range(2 * LAYERS)]
    for expected in (True, False):
        with torch.set_grad_enabled(expected):
            modes = of_each(lambda _: (torch.get_num_threads(), torch.is_grad_enabled()), names, CPU)
        assert set(modes.values()) == {(1, expected)}
    few = of_each(lambda _: torch.get_num_threads(), names[1:], CPU)
    elsewhere = of_each(lambda _: torch.get_num_threads(), names, [torch.device("meta")])
    assert set(few.values()) == set(elsewhere.values()) == {2}


def test_errors_of_a_layer_reach_the_caller(n_threads):
    n_threads(2)
    with pytest.raises(KeyError, match="missing"):
        of_each({"1": 1}.__getitem__, ["1", "missing"] * LAYERS, CPU)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("backend", ["csr", "masked"])
@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if row.evolves])
def test_updates_do_not_depend_on_the_number_of_threads(method, backend, n_threads):
    links = {}
    for threads in (1, 2):
        n_threads(threads)
        torch.manual_seed(0)
        layers = [layer for _ in range(2 * LAYERS) for layer in (nn.Linear(12, 12), nn.ReLU())]
        rule = tl.method(method, density=0.4, **({} if METHODS[method].constant_fan_in else {"generator": "er"}))
        if backend == "csr" and rule.storage == "dense":
            pytest.skip("the method keeps the values of all cells")
        model = tl.sparsify(nn.Sequential(*layers, nn.Linear(12, 2)), rule, seed=0, backend=backend)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=12, interval=rule.interval or 3, seed=0)
        for _ in range(6):
            optimizer.zero_grad()
            model(torch.randn(8, 12)).square().mean().backward()
            optimizer.step()
            topology.step()
        assert len(topology.layers) >= 2 * LAYERS
        assert topology.n_updates
        links[threads] = {name: layer.cells() for name, layer in topology.layers.items()}
    for name, cells in links[1].items():
        assert torch.equal(cells, links[2][name])
