"""The compiled forms: compiled on first use, cached on disk, and run without the GIL."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

from topolearn.generators import erdos_renyi
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred import PREDICTORS, score
from topolearn.linkpred.compiled.weights import tables_of


def run(code, **environment):
    """The output of a new Python process."""
    answer = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.split()


def test_numba_is_imported_only_by_the_first_compiled_score():
    printed = run(
        "import sys, numpy, topolearn, topolearn.linkpred\n"
        "print('numba' in sys.modules, 'llvmlite' in sys.modules)\n"
        "topolearn.linkpred.score(numpy.eye(3), 'ch3_l3p')\n"
        "topolearn.linkpred.select(numpy.eye(3), 'ch3_l3p', 2)\n"
        "print('numba' in sys.modules)\n"
        "topolearn.linkpred.score(numpy.eye(3), 'ch3_l3p', form='stream')\n"
        "print('numba' in sys.modules)"
    )
    assert printed == ["False", "False", "False", "True"]


@pytest.mark.parametrize("predictor", ["ch3_l3p", "ch3_l3n"])
def test_python_keeps_running_while_rows_are_scored(predictor):
    """Finished rows appear one by one; if the GIL were held, they would appear all at once."""
    from topolearn.linkpred.compiled.kernels.stream import make_scratch, score_rows

    links, per_path = TwoWayCsr.of(erdos_renyi(700, 700, 0.06, seed=0)), PREDICTORS[predictor].per == "path"
    tables = tables_of(links, PREDICTORS[predictor], torch.float64)
    newest, seen, stop = [np.zeros((700, 700))], set(), threading.Event()

    def work(last):
        newest[0] = np.zeros((700, 700))
        score_rows(0, last, per_path, links.arrays, *tables, make_scratch(700, 700, np.dtype(float)), newest[0])

    def work_on():
        while not stop.is_set():
            work(700)

    def n_done():
        scores = newest[0]
        return np.count_nonzero(scores[:, -1] + scores[:, 0])

    work(700)  # compiled, or read from disk
    n_rows, deadline = n_done(), time.monotonic() + 60
    assert n_rows > 600
    worker = threading.Thread(target=work_on)
    worker.start()
    while len(seen - {0, n_rows}) <= 3 and time.monotonic() < deadline:
        seen.add(n_done())
    stop.set()
    worker.join()
    assert len(seen - {0, n_rows}) > 3


def test_scores_from_several_threads_of_the_caller_do_not_mix():
    graphs = [erdos_renyi(90, 80, density, seed=0) for density in (0.05, 0.1, 0.2, 0.3)]
    expected = [score(graph, "ch3_l3p", form="stream") for graph in graphs]
    by_worker = {}

    def work(i):
        by_worker[i] = [score(graphs[i], "ch3_l3p", form=form) for form in ("stream", "community", "stream")]

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for i, scores in enumerate(expected):
        for again in by_worker[i]:
            np.testing.assert_allclose(again, scores, rtol=1e-11)


def test_an_error_in_a_thread_reaches_the_caller(n_threads):
    from topolearn.threads import for_each

    for threads in (1, 3):
        n_threads(threads)
        done = []
        for_each(done.append, range(9))
        assert sorted(done) == list(range(9))
        with pytest.raises(KeyError, match=r"7|8"):
            for_each({i: i for i in range(7)}.__getitem__, range(9))


@pytest.mark.slow
def test_compiled_code_is_cached_for_the_next_process(tmp_path):
    code = (
        "import numpy\n"
        "from topolearn.linkpred import score\n"
        "scores = score(numpy.tri(4), 'ra_l3', form='stream')\n"
        "from topolearn.linkpred.compiled.kernels.stream import score_rows\n"
        "stats = score_rows.stats\n"
        "print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), scores.sum())"
    )

    def kept():
        files = [path for path in tmp_path.rglob("*") if path.suffix in {".nbi", ".nbc"}]
        return {path: path.stat().st_mtime_ns for path in files}

    first = run(code, NUMBA_CACHE_DIR=str(tmp_path))
    files = kept()
    assert {path.suffix for path in files} == {".nbi", ".nbc"}
    second = run(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert kept() == files
    assert first[:2] == ["0", "1"]
    assert second[:2] == ["1", "0"]
    assert first[2] == second[2]
    assert float(first[2]) == pytest.approx(score(np.tri(4), "ra_l3").sum(), rel=1e-12)
