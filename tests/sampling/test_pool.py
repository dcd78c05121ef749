"""The k best of candidates that arrive in batches equal the k best of all, and the bound never misleads."""

import weakref

import numba
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn.linkpred.compiled.kernels.picking import random_bits
from topolearn.sampling import Pool, RandomField, pool, sample, top

SOFT = pytest.mark.parametrize("soft", [False, True])
FEW = examples(40)
SCORES = st.lists(st.sampled_from([0.25, 0.5, 1.0, 1.0, 2.0, 7.25]), max_size=40)


def reaches(bound, cells, scores, field, soft):
    """Return whether each candidate can enter a full pool, following the documentation of `Bound`."""
    if soft:
        return -torch.log(field.uniform(cells)) <= scores.double() * bound.level
    return (scores > bound.level) | ((scores == bound.level) & (field.bits(cells) >= bound.bits))


def pooled(parts, k, field, soft, *, sift):
    """Offer parts one after another; return the sorted best, after checking the bound, and the number offered."""
    found, offered = Pool(k, field, soft), 0
    for cells, scores in parts:
        if sift:
            passes = reaches(found.bound, cells, scores, field, soft)
            cells, scores = cells[passes], scores[passes]  # noqa: PLW2901
        found.offer(cells, scores)
        offered += cells.numel()
    cells, scores = found.best()
    assert reaches(found.bound, cells, scores, field, soft).all()
    order = cells.argsort()
    return cells[order], scores[order], offered


@SOFT
@FEW
@given(scores=SCORES, data=st.data())
def test_the_best_do_not_depend_on_the_order_or_the_batches(soft, scores, data):
    n, field = len(scores), RandomField(data.draw(st.integers(0, 10**6)), purpose="select")
    k = data.draw(st.integers(0, n + 3))
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64]))
    order = torch.tensor(data.draw(st.permutations(range(n))), dtype=torch.int64)
    cells, values = order * 7 + 1, torch.tensor(scores, dtype=dtype)[order]
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=6)))
    sizes = np.diff([0, *cuts, n]).tolist()
    parts = list(zip(cells.split(sizes), values.split(sizes), strict=True))
    expected = (sample if soft else top)(cells, values, min(k, n), field)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "SLACK", data.draw(st.sampled_from([0, 3, 2**20])))
        for sift in (False, True):
            found, kept, _ = pooled(parts, k, field, soft, sift=sift)
            assert torch.equal(found, expected)
            assert kept.tolist() == [scores[(cell - 1) // 7] for cell in found.tolist()]


@SOFT
@pytest.mark.parametrize("levels", [1, 5, 10**6])
def test_the_bound_keeps_most_candidates_out_and_none_of_the_best(soft, levels, monkeypatch):
    monkeypatch.setattr(pool, "SLACK", 100)
    n, k, field = 20_000, 50, RandomField(4, purpose="select")
    scores = (torch.from_numpy(np.random.default_rng(0).integers(1, levels + 1, n)) / levels).double()
    cells = torch.arange(n)
    parts = list(zip(cells.split(100), scores.split(100), strict=True))
    found, _, offered = pooled(parts, k, field, soft, sift=True)
    assert torch.equal(found, (sample if soft else top)(cells, scores, k, field))
    assert offered < n / 10


@SOFT
def test_any_candidate_passes_while_there_are_fewer_than_k(soft):
    found, field = Pool(3, RandomField(0), soft), RandomField(0)
    cells, scores = torch.arange(5), torch.full((5,), 1e-300, dtype=torch.float64)
    for size in (0, 2):
        found.offer(cells[:size], scores[:size])
        assert reaches(found.bound, cells, scores, field, soft).all()
    assert found.best()[0].tolist() == [0, 1]


@SOFT
def test_a_pool_of_size_zero(soft):
    cells, scores, field = torch.arange(9), torch.ones(9, dtype=torch.float64), RandomField(1)
    empty = Pool(0, field, soft)
    assert empty.best()[0].tolist() == []
    empty.offer(cells, scores)
    assert empty.best()[0].numel() == empty.best()[1].numel() == 0
    assert not reaches(empty.bound, cells, scores, field, soft).any()


@SOFT
def test_no_more_than_twice_k_and_the_slack_are_kept(soft, monkeypatch):
    """The pool holds the parts that are still alive, and the k best of the parts that were released."""
    monkeypatch.setattr(pool, "SLACK", 10)
    found, offered = Pool(20, RandomField(0), soft), []
    for start in range(0, 1000, 10):
        cells, scores = torch.arange(start, start + 10), torch.ones(10)
        offered += [weakref.ref(cells), weakref.ref(scores)]
        found.offer(cells, scores)
        del cells, scores
        assert sum(part().numel() for part in offered if part() is not None) <= 2 * (20 + 10)
    assert found.best()[0].numel() == 20


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_compiled_bits_are_those_of_the_field(seed):
    field = RandomField(seed, "fc", 3, "select")
    cells = [0, 1, 2, 17, 2**31, 2**40, 2**53 + 1, 2**62, 2**63 - 1]
    expected = field.bits(torch.tensor(cells)).tolist()
    key = np.uint64(field.key & (2**64 - 1))
    compiled = numba.njit(random_bits.py_func)
    assert [int(compiled(np.uint64(cell), key)) for cell in cells] == expected
    assert len(set(expected)) == len(cells)


def test_keys_of_both_signs_were_compared():
    assert len({RandomField(seed, "fc", 3, "select").key > 0 for seed in (0, 1, 2**40)}) == 2


@pytest.mark.parametrize("k", [1, 60, 800])
@pytest.mark.parametrize("power", [0, 3])
def test_an_expected_bound_excludes_nearly_all_from_the_start_and_none_of_the_best(k, power):
    n, field = 8000, RandomField(7, purpose="select")
    cells, scores = torch.arange(n), torch.from_numpy(np.random.default_rng(1).random(n) ** power).double()
    expecting = Pool(k, field, soft=True)
    expecting.expect(n, float(scores.sum()))
    passes = reaches(expecting.bound, cells, scores, field, True)
    assert k <= int(passes.sum()) < 1.5 * k + 30
    expecting.offer(cells[passes], scores[passes])
    assert not expecting.is_short
    assert torch.equal(expecting.best()[0].sort().values, sample(cells, scores, k, field))


def test_a_pool_that_expected_too_much_is_short():
    cells, scores, field = torch.arange(500), torch.ones(500, dtype=torch.float64), RandomField(0)
    expecting = Pool(40, field, soft=True)
    expecting.expect(500, 1e9)
    passes = reaches(expecting.bound, cells, scores, field, True)
    expecting.offer(cells[passes], scores[passes])
    assert expecting.is_short
    for nothing in (Pool(0, field, soft=True), Pool(40, field, soft=False)):
        nothing.expect(500, 1e9)
        assert not nothing.is_short
        assert nothing.bound == Pool(nothing.k, field, nothing.soft).bound
