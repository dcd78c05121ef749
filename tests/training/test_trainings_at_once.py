"""Trainings in several threads give the same results as alone, and leave the process's state unchanged."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import topolearn as tl
from topolearn.evolution import REMOVAL_SCORES, RemovalScore
from topolearn.sampling import torch_draws_from
from topolearn.sparse import replace_linear
from topolearn.threads import thread_count
from topolearn.training import build, mlp
from topolearn.training.random_states import global_generator, random_states_kept


def tensors(run):
    return load_file(run.path / "checkpoints" / "last.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def in_another_thread(work):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.fixture
def own_removal():
    """A removal score that draws with torch, as custom components may."""
    REMOVAL_SCORES.register("any", RemovalScore(lambda links: torch.rand(links.cells.numel())))
    yield "any"
    REMOVAL_SCORES.unregister("any")


def test_two_trainings_at_once_give_what_each_gives_alone(small, tmp_path, own_removal):
    cases = [
        {"method": "dense", "threads": None},
        {"method": "set", "backend": "masked", "seed": 1, "overrides": {"removal": own_removal}},
        {"method": "chts", "seed": 2},
        {"method": "set", "seed": 3, "overrides": {"removal": own_removal}},
    ]

    def trained(folder, i):
        return tensors(tl.train(small(tmp_path / folder / str(i), epochs=1, **cases[i]), quiet=True))

    alone = [trained("alone", i) for i in range(len(cases))]
    before = torch.get_rng_state(), torch.get_num_threads()
    with ThreadPoolExecutor(len(cases)) as pool:
        at_once = list(pool.map(lambda i: trained("at once", i), range(len(cases))))
    assert all(map(same, at_once, alone))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]
    assert in_another_thread(torch.get_num_threads) == before[1]


def test_models_with_dropout_train_one_after_the_other(small, tmp_path, monkeypatch):
    def mlp_with_dropout(*sizes, **options):
        model = mlp(*sizes, **options)
        model.relu1 = nn.Dropout()
        return model

    monkeypatch.setattr(build, "mlp", mlp_with_dropout)

    def trained(folder, seed):
        return tensors(tl.train(small(tmp_path / folder / str(seed), epochs=1, seed=seed), quiet=True))

    alone = [trained("alone", seed) for seed in range(2)]
    before = torch.get_rng_state()
    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(lambda seed: trained("at once", seed), range(2)))
    assert all(map(same, at_once, alone))
    assert torch.equal(torch.get_rng_state(), before)


def test_draws_and_seeds_of_other_threads_change_nothing(small, tmp_path, own_removal, monkeypatch):
    values = {"method": "set", "epochs": 1, "overrides": {"removal": own_removal}}
    alone = tl.train(small(tmp_path / "alone", **values), quiet=True)
    step = tl.TopologyScheduler.step
    torch.manual_seed(8)

    def disturbed(topology, **options):
        in_another_thread(lambda: (torch.manual_seed(5), torch.set_num_threads(1)))
        in_another_thread(lambda: nn.Linear(3, 3))
        return step(topology, **options)

    monkeypatch.setattr(tl.TopologyScheduler, "step", disturbed)
    assert same(tensors(tl.train(small(tmp_path / "disturbed", **values), quiet=True)), tensors(alone))
    torch.manual_seed(5)
    nn.Linear(3, 3)
    expected = torch.get_rng_state()
    torch.manual_seed(8)
    tl.train(small(tmp_path / "again", **values), quiet=True)
    assert torch.equal(torch.get_rng_state(), expected)  # as the others left it


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_model_is_made_sparse_without_the_global_generator(backend, monkeypatch):
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3))

    def rejected(*_):
        raise AssertionError("the global generator was read or written")

    for name in ("manual_seed", "get_rng_state", "set_rng_state", "fork_rng"):
        monkeypatch.setattr(torch.random, name, rejected)
        if hasattr(torch, name):
            monkeypatch.setattr(torch, name, rejected)
    state = torch.default_generator.get_state()
    tl.sparsify(model, tl.method("set", density=0.3), backend=backend)
    tl.densify(model)
    assert torch.equal(torch.default_generator.get_state(), state)


def test_layers_that_are_replaced_draw_within_the_block_they_are_in():
    graph = tl.generators.erdos_renyi(12, 20, 0.3, seed=0)
    before = torch.get_rng_state()
    with torch_draws_from(0):
        replace_linear(nn.Sequential(nn.Linear(12, 20)), {"0": graph})
    assert torch.equal(torch.get_rng_state(), before)


def test_each_thread_has_its_own_number_of_threads_and_the_process_gets_its_own_back():
    usual = torch.get_num_threads()
    inside, leave = threading.Barrier(3, timeout=60), threading.Event()

    def hold(n):
        with thread_count(n):
            inside.wait()
            leave.wait(60)
            with thread_count(n + 1):
                nested = torch.get_num_threads()
            return torch.get_num_threads(), nested

    def usual_within():
        with thread_count():
            return torch.get_num_threads()

    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(hold, n) for n in (usual + 2, usual + 5)]
        inside.wait()
        assert in_another_thread(usual_within) == usual
        leave.set()
        assert [each.result() for each in held] == [(usual + n, usual + n + 1) for n in (2, 5)]
    assert torch.get_num_threads() == in_another_thread(torch.get_num_threads) == usual


def states():
    return random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


@pytest.mark.parametrize("first_to_leave", [0, 1])
def test_the_last_of_several_threads_restores_the_state_before_the_first(first_to_leave):
    before, entered, leave = states(), [threading.Event() for _ in range(2)], [threading.Event() for _ in range(2)]

    def hold(i):
        with random_states_kept():
            random.seed(i)
            np.random.seed(i)  # noqa: NPY002
            entered[i].set()
            leave[i].wait(60)

    with ThreadPoolExecutor(2) as pool:
        held = []
        for i in range(2):
            held.append(pool.submit(hold, i))
            entered[i].wait(60)
        within = states()
        leave[first_to_leave].set()
        held[first_to_leave].result()
        assert states() == within  # the other one goes on with what it has
        leave[1 - first_to_leave].set()
    assert states() == before


def test_an_inner_block_restores_the_state_of_the_outer_one():
    before = states()
    with random_states_kept():
        random.seed(1)
        outer = states()
        with random_states_kept():
            random.seed(2)
        assert states() == outer
    assert states() == before


def test_threads_that_need_the_global_generator_take_turns():
    order, entered = [], threading.Event()

    def second():
        entered.set()
        with global_generator():
            order.append(float(torch.manual_seed(2) and torch.rand(1)))

    before = torch.get_rng_state()
    with ThreadPoolExecutor(1) as pool, global_generator():
        torch.manual_seed(1)
        other = pool.submit(second)
        entered.wait(60)
        order.append(float(torch.rand(1)))
        with global_generator():  # of the same thread
            pass
        order.append(float(torch.rand(1)))
    other.result()
    generator = torch.Generator().manual_seed(1)
    expected = [float(torch.rand(1, generator=generator)) for _ in range(2)]
    assert order == [*expected, float(torch.rand(1, generator=torch.Generator().manual_seed(2)))]
    assert torch.equal(torch.get_rng_state(), before)
