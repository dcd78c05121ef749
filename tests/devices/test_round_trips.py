"""How often the host waits during an update: at most five times per layer if the scores are on the device."""

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.devices.waits import trained
from topolearn.evolution import METHODS
from topolearn.evolution.regrowth import REGROWTHS, RegrowthScore
from topolearn.evolution.regrowth.chance import at_random

AT_MOST = 5  # waits per layer and update


@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if row.evolves])
def test_an_update_makes_the_host_wait_rarely(pretend, method):
    rule = tl.method(method, density=0.1, interval=None)
    topology, around, elsewhere = trained(pretend, rule, device=pretend.device)
    assert len(around) >= 2
    for trips in around:
        assert trips.total() <= AT_MOST * len(topology.layers), trips
    assert not any(trips.total() for trips in elsewhere)


def test_more_layers_of_one_shape_cause_no_more_waits(pretend):
    """Layers of one shape are handled together: the host waits as often for eight layers as for four."""
    totals = []
    for n_layers in (4, 8):
        model = nn.Sequential(*(nn.Linear(40, 40) for _ in range(n_layers)))
        rule = tl.method("chts", density=0.1)
        model = tl.sparsify(model, rule, exclude=[], backend="masked").to(pretend.device)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=20, interval=5)
        for _ in range(5):
            model(torch.randn(8, 40).to(pretend.device)).square().mean().backward()
            optimizer.step()
            with pretend.counted() as trips:
                update = topology.step()
            optimizer.zero_grad()
        assert update is not None
        totals.append(trips.total())
    assert totals[0] == totals[1] <= 4


def test_reading_the_events_of_an_update_takes_one_copy_for_all_layers(pretend):
    rule = tl.method("chts", density=0.1)
    topology, _, _ = trained(pretend, rule, device=pretend.device, n_steps=8)
    with pretend.counted() as trips:
        topology.last_update.to_frame()
        assert all(len(layer.regrown) for layer in topology.last_update.values())
    assert trips.total() == 1
    with pretend.counted() as trips:
        topology.network()
        topology.itop_rate()
    assert trips.total() == 2


def no_numbers(sites):
    return torch.full((len(sites), sites[0].n_cells), torch.nan, device=sites[0].links.device)


def test_scores_that_cannot_be_ranked_are_rejected_and_nothing_changes(pretend, request):
    REGROWTHS.register("broken", RegrowthScore(at_random, matrix=no_numbers))
    request.addfinalizer(lambda: REGROWTHS.unregister("broken"))
    rule = tl.method("set", density=0.1, regrowth="broken")
    topology, optimizer = small(rule, pretend.device)
    before = topology.network()
    step(topology, optimizer)
    topology.step()
    step(topology, optimizer)
    with pytest.raises(tl.errors.InvalidValueError, match="layer '0': scores must be at least 0"):
        topology.step()
    assert topology.network() == before
    assert topology.n_updates == 0


def small(rule, device):
    torch.manual_seed(0)
    model = tl.sparsify(nn.Sequential(nn.Linear(20, 20), nn.Linear(20, 4)), rule, backend="masked").to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return tl.TopologyScheduler(model, optimizer, rule, total_steps=8, interval=2), optimizer


def step(topology, optimizer, factor=1.0):
    device = topology.model[0].weight.device
    (topology.model(torch.randn(8, 20).to(device)).square().mean() * factor).backward()
    optimizer.step()


@pytest.mark.parametrize("where", ["weight", "gradient"])
def test_values_that_are_not_finite_are_rejected_and_nothing_changes(pretend, where):
    topology, optimizer = small(tl.method("rigl", density=0.1), pretend.device)
    before = topology.network()
    step(topology, optimizer)
    topology.step()
    step(topology, optimizer, factor=torch.nan if where == "gradient" else 1.0)
    if where == "weight":
        layer = topology.layers["0"]
        layer.set_link_values(layer.link_values() * torch.inf)
    with pytest.raises(tl.errors.InvalidValueError, match=r"layer '0'.*not finite"):
        topology.step()
    assert topology.network() == before


@pytest.mark.parametrize("name", ["set", "chts", "rigl"])
def test_links_that_start_with_their_last_values_cause_no_wait(pretend, name):
    usual, rule = (tl.method(name, density=0.1, regrown=regrown) for regrown in ("zero", "history"))
    _, *without = trained(pretend, usual, device=pretend.device)
    topology, *waits = trained(pretend, rule, device=pretend.device)
    for one, other in zip(waits, without, strict=True):
        assert sum(each.total() for each in one) == sum(each.total() for each in other)
    on_cpu, _, _ = trained(pretend, rule)
    expected, state = on_cpu.state_dict(), topology.state_dict()
    for layer, sparse in on_cpu.layers.items():
        assert len(expected["former"][layer]) > 0
        assert torch.equal(topology.layers[layer].weight.detach().cpu(), sparse.weight.detach())
        for key in ("links", "former", "former_values"):
            assert torch.equal(state[key][layer], expected[key][layer])
