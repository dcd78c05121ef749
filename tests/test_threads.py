"""Work distributed over threads: every chunk is done once, errors are raised, and it is safe after a fork."""

import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import topolearn as tl
from topolearn import threads as work_sharing
from topolearn.sparse.products import by_numba
from topolearn.threads import _openmp, cut, fill_chunks, for_each, thread_count


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_every_chunk_is_done_once(n, threads):
    threads(n)
    done = []
    for_each(done.append, range(100))
    assert sorted(done) == list(range(100))
    for_each(done.append, [])
    assert len(done) == 100


def test_chunks_are_distributed(threads):
    threads(2)
    seen, both = set(), threading.Barrier(2, timeout=60)

    def work(_):
        seen.add(threading.get_ident())
        both.wait()  # times out if one thread does both chunks

    for_each(work, range(2))
    assert len(seen) == 2
    assert threading.get_ident() in seen


def test_one_thread_is_the_caller(threads):
    threads(1)
    seen = set()
    for_each(lambda _: seen.add(threading.get_ident()), range(5))
    assert seen == {threading.get_ident()}


def test_work_within_work_does_not_wait_for_itself(threads):
    threads(4)
    done = []
    for_each(lambda _: for_each(done.append, range(10)), range(50))
    assert len(done) == 500


def step(layer, x):
    layer.zero_grad()
    layer(x).square().sum().backward()
    return layer.values.grad.clone()


def child(layer, x, queue):
    by_numba.LEAST = 1.0  # many threads, however small the work
    queue.put(step(layer, x).numpy())


def train_in_a_fork():
    """Train a layer here and in a forked process, and compare."""
    torch.set_num_threads(3)
    by_numba.LEAST = 1.0
    layer = tl.SparseLinear(40, 30, graph=tl.generators.erdos_renyi(40, 30, 0.2, seed=0), backend="csr")
    x = torch.randn(16, 40, generator=torch.Generator().manual_seed(0))
    expected = step(layer, x).numpy()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=child, args=(layer, x, queue))
    worker.start()
    gradient = queue.get(timeout=60)
    worker.join()
    assert worker.exitcode == 0
    assert np.array_equal(gradient, expected)


def test_a_forked_process_has_its_own_threads():
    """DataLoader workers fork during training; torch allows it if there is no accelerator."""
    code = "from tests.test_threads import train_in_a_fork\ntrain_in_a_fork()\nprint('equal')"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout == "equal\n", done.stderr


@pytest.mark.parametrize("team", ["torch's", "Python's"])
@pytest.mark.parametrize("n", [2, 5])
def test_a_team_gives_the_bits_of_one_thread(team, n, threads, monkeypatch):
    if team == "torch's" and _openmp() is None:
        pytest.skip("torch does not use GNU OpenMP here")
    called = []
    if team == "Python's":
        monkeypatch.setattr(work_sharing, "_openmp", lambda: None)
        monkeypatch.setattr(work_sharing, "for_each", lambda *a: (called.append(1), for_each(*a)))
    layer = tl.SparseLinear(70, 90, graph=tl.generators.erdos_renyi(70, 90, 0.2, seed=0), backend="csr")
    x = torch.randn(16, 70, generator=torch.Generator().manual_seed(0))
    threads(1)
    expected = step(layer, x)
    threads(n)
    monkeypatch.setattr(by_numba, "LEAST", 1.0)
    assert all(torch.equal(step(layer, x), expected) for _ in range(20))
    assert bool(called) == (team == "Python's")


def test_small_work_stays_on_one_thread(threads, monkeypatch):
    used = []
    monkeypatch.setattr(by_numba, "run_together", lambda kernel, work, n: used.append(n))
    threads(3)
    graph = tl.generators.erdos_renyi(500, 500, 0.1, seed=0)
    layer = tl.SparseLinear(500, 500, graph=graph, backend="csr")
    layer(torch.zeros(1, 500))
    layer(torch.zeros(256, 500))
    assert set(used[:1]) == {1}
    assert set(used[1:]) == {3}


def test_no_thread_continues_after_an_error(threads):
    threads(2)
    finished, begun, failed = [], threading.Event(), threading.Event()

    def work(chunk):
        if threading.current_thread() is threading.main_thread():
            assert begun.wait(60)
            failed.set()
            raise KeyError(chunk)
        begun.set()
        assert failed.wait(60)
        time.sleep(0.05)
        finished.append(chunk)

    with pytest.raises(KeyError):
        for_each(work, range(4))
    n = len(finished)
    time.sleep(0.1)
    assert len(finished) == n


def test_chunks_of_equal_cost():
    assert cut(np.full(4, 100)) == [(0, 4)]
    assert fill_chunks(np.array([0, 1, 2, 3, 8, 9]), 3) == [(0, 3), (3, 4), (4, 5)]


def test_no_threads_are_an_error_and_change_nothing():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="positive"), thread_count(0):
        pytest.fail("the block ran")
    assert torch.get_num_threads() == before
    assert not work_sharing._asked
    with thread_count(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
