"""Ranks that shard the weights of a model (FSDP2) choose the same links as one process, on any number of ranks."""

from functools import cache, partial

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.distributed.shards import OFTEN, RARELY, on_ranks, resumed_alone, several_ways, trained
from tests.processes import NEED_GLOO

pytestmark = NEED_GLOO
WORLDS = (2, 3, 1)  # those that read what two have saved come behind them


def methods(what):
    """The methods of a test, some of them slow."""
    return [*OFTEN[what], *(pytest.param(method, marks=pytest.mark.slow) for method in RARELY[what])]


def done_by_ranks(folder, cases):
    """The folder that ranks write to, and what they return."""
    return folder, {n: on_ranks(n, folder, partial(several_ways, folder=folder, cases=cases)) for n in WORLDS}


@pytest.fixture(scope="module")
def often(tmp_path_factory):
    return done_by_ranks(tmp_path_factory.mktemp("often"), OFTEN)


@pytest.fixture(scope="module")
def rarely(tmp_path_factory):
    return done_by_ranks(tmp_path_factory.mktemp("rarely"), RARELY)


def results_of(request, what, method):
    return request.getfixturevalue("often" if method in OFTEN[what] else "rarely")


@pytest.fixture(scope="module")
def alone():
    torch.set_num_threads(1)
    return cache(trained)


def assert_alike(state, expected):
    assert list(state) == list(expected)
    for key, tensor in expected.items():
        torch.testing.assert_close(state[key], tensor, rtol=0, atol=1e-6)


@pytest.mark.parametrize("way", ["fsdp 2", "fsdp 3", "ddp 2"])
@pytest.mark.parametrize("method", methods("trained"))
def test_ranks_choose_the_links_of_one_process(request, alone, method, way):
    (_, results), (kind, world) = results_of(request, "trained", method), way.split()
    links, state, events, explored = alone(method)
    assert len(links) > 2
    for result in results[int(world)]:
        links_of_rank, state_of_rank, events_of_rank, explored_of_rank = result[kind][method]
        assert links_of_rank == links
        assert events_of_rank == events
        assert explored_of_rank == explored
        if kind == "fsdp":
            assert_alike(state_of_rank, state)


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("method", methods("clipped"))
def test_norms_for_clipping_are_those_of_the_links_and_nothing_is_off_them_after_a_step(request, method, world):
    _, results = results_of(request, "clipped", method)
    links, state, _, _ = trained(method, clip=0.1)
    for result in results[world]:
        links_of_rank, state_of_rank, off = result["clipped"][method]
        assert links_of_rank == links
        assert_alike(state_of_rank, state)
        assert off == [0] * len(off) != []


@pytest.mark.parametrize("world", [1, 3])
@pytest.mark.parametrize("method", methods("saved"))
def test_a_checkpoint_of_two_ranks_continues_with_another_number(request, alone, method, world):
    _, results = results_of(request, "saved", method)
    links, state = results[2][0]["saved"][method]
    for result in results[world]:
        links_of_rank, state_of_rank, explored_of_rank = result["resumed"][method]
        assert links_of_rank == links
        assert explored_of_rank == alone(method)[3]
        assert_alike(state_of_rank, state)


@pytest.mark.parametrize("method", methods("saved"))
def test_a_checkpoint_of_two_ranks_continues_in_one_process_without_shards(request, method):
    folder, results = results_of(request, "saved", method)
    links, state = results[2][0]["saved"][method]
    links_alone, state_alone, model = resumed_alone(method, folder)
    assert links_alone == links
    assert_alike(state_alone, state)
    dense = nn.Sequential(nn.Linear(12, 37), nn.ReLU(), nn.Linear(37, 41), nn.ReLU(), nn.Linear(41, 3)).double()
    dense.load_state_dict(torch.load(tl.export_dense(model, folder / f"{method}-dense.pt")))
    x = torch.randn(4, 12, dtype=torch.float64)
    torch.testing.assert_close(dense(x), model(x))


def test_a_run_of_sharded_layers_is_recorded_by_rank_0(often):
    folder, results = often
    history = tl.Run(folder / "run").history
    graphs = history.at(history.steps[-1])
    for result in results[2]:
        assert {name: graph.edges().tolist() for name, graph in graphs.items()} == result["recorded"]
