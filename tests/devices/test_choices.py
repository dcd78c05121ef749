"""An accelerator chooses what the CPU chooses, and the host waits no more often than documented."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn.errors import InvalidValueError
from topolearn.graph import remaining
from topolearn.linkpred import PREDICTORS, layer_scores, select_cells
from topolearn.sampling import RandomField, best, choose, choose_among_all, drawn, fill, sample, top
from topolearn.waiting import HostCopy, Readings, positions

FEW = examples(60)
SCORES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.0, 2.0, 7.25]), min_size=1, max_size=40)
DTYPES = st.sampled_from([torch.float32, torch.float64])


@FEW
@given(scores=SCORES, dtype=DTYPES, seed=st.integers(0, 99), data=st.data())
def test_the_best_and_a_sample_are_those_of_the_cpu(pretend, scores, dtype, seed, data):
    scores, cells = torch.tensor(scores, dtype=dtype), torch.arange(len(scores)) * 3
    k, field = data.draw(st.integers(0, len(scores))), RandomField(seed)
    there = cells.to(pretend.device), scores.to(pretend.device)
    with pretend.counted() as trips:
        ranked, sampled = best(*there, k, field), drawn(*there, k, field, exponent=1.5)
    assert trips.total() == 0
    assert torch.equal(ranked.cpu(), top(cells, scores, k, field))
    assert torch.equal(sampled.cpu(), sample(cells, scores, k, field, exponent=1.5))


def test_many_ties_are_broken_as_on_the_cpu(pretend):
    scores, cells = torch.arange(5000).remainder(7).to(torch.float32), torch.arange(5000)
    for k in (1, 700, 714, 4999):
        there = best(cells.to(pretend.device), scores.to(pretend.device), k, RandomField(k))
        assert torch.equal(there.cpu(), top(cells, scores, k, RandomField(k)))


@FEW
@given(n_cells=st.integers(1, 200), seed=st.integers(0, 99), data=st.data())
def test_cells_are_filled_up_as_on_the_cpu_with_one_wait(pretend, n_cells, seed, data):
    excluded = torch.tensor(sorted(data.draw(st.sets(st.integers(0, n_cells - 1)))), dtype=torch.int64)
    k = data.draw(st.integers(0, n_cells - len(excluded)))
    there = excluded.to(pretend.device)
    with pretend.counted() as trips:
        filled = fill(k, n_cells, there, RandomField(seed))
    assert trips.total() <= 1
    assert torch.equal(filled.cpu(), fill(k, n_cells, excluded, RandomField(seed)))


@FEW
@given(n_cells=st.integers(2, 60), n_layers=st.integers(1, 4), dtype=DTYPES, soft=st.booleans(), data=st.data())
def test_layers_choose_together_what_each_chooses_alone(pretend, n_cells, n_layers, dtype, soft, data):
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 999)))
    scores = torch.randint(0, 4, (n_layers, n_cells), generator=generator).to(dtype)
    is_link = torch.rand(n_layers, n_cells, generator=generator) < 0.3
    scores[is_link] = 0
    links = [mask.nonzero().squeeze(1) for mask in is_link]
    counts = [data.draw(st.integers(0, n_cells - len(each))) for each in links]
    fields = [RandomField(i, f"layer{i}", 3, "regrowth") for i in range(n_layers)]
    there, excluded = scores.to(pretend.device), [each.to(pretend.device) for each in links]
    with pretend.counted() as trips:
        chosen = choose_among_all(there, counts, fields, excluded, soft=soft)
    assert trips.total() <= 1 + n_layers
    for cells, row, k, field, barred in zip(chosen, scores, counts, fields, links, strict=True):
        alone = choose(torch.arange(n_cells), row, k, field, soft=soft, n_cells=n_cells, excluded=barred)
        assert torch.equal(cells.cpu(), alone)


def test_layers_with_enough_scores_wait_once(pretend):
    scores = torch.ones(3, 20, device=pretend.device)
    fields, none = [RandomField(i) for i in range(3)], [torch.arange(0, device=pretend.device)] * 3
    with pretend.counted() as trips:
        choose_among_all(scores, [5, 0, 20], fields, none, soft=True)
    assert trips.total() == 1


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("predictor", PREDICTORS)
def test_links_predicted_for_several_layers_together(pretend, predictor, soft):
    shape, generator = (30, 24), torch.Generator().manual_seed(1)
    masks = torch.rand(3, *shape, generator=generator) < torch.tensor([0.05, 0.15, 0.3])[:, None, None]
    links = [mask.flatten().nonzero().squeeze(1) for mask in masks]
    fields = [RandomField(i, purpose="regrowth") for i in range(3)]
    there = [each.to(pretend.device) for each in links]
    with pretend.counted() as trips:
        scores = layer_scores(there, shape, predictor, torch.float64)
        chosen = choose_among_all(scores, [40] * 3, fields, there, soft=soft)
    assert trips.total() <= 2 + 3  # for degrees, for how many have a score, and for each layer that is filled up
    for form in ("dense", "sparse"):
        for cells, mask, field in zip(chosen, masks, fields, strict=True):
            alone = select_cells(mask, predictor, 40, replace(field), soft=soft, form=form)
            assert torch.equal(cells.cpu(), alone)


@FEW
@given(some=st.lists(st.booleans(), max_size=30))
def test_the_cells_that_are_left(pretend, some):
    cells, mask = torch.arange(len(some)) * 2, torch.tensor(some, dtype=torch.bool)
    with pretend.counted() as trips:
        there, chosen = cells.to(pretend.device), cells[mask].to(pretend.device)
        n_copies = trips.total()
        left = remaining(there, chosen)
        assert trips.total() == n_copies
    assert torch.equal(left.cpu(), cells[~mask])
    assert torch.equal(positions(mask.to(pretend.device), sum(some)).cpu(), mask.nonzero().squeeze(1))


def test_readings_are_read_in_one_transfer_and_in_their_order(pretend):
    readings, read = Readings(), []
    with pretend.counted() as trips:
        for n in (3, 1, 2):
            readings.read(torch.arange(n, device=pretend.device).sum(), read.append)
        assert (read, trips.total()) == ([], 0)
        readings.settle()
    assert (read, trips.total()) == ([3, 0, 1], 1)
    readings.settle()
    assert read == [3, 0, 1]


def test_readings_refuse_when_they_are_settled_and_on_the_cpu_at_once(pretend):
    readings = Readings()
    readings.require(torch.ones((), dtype=torch.bool, device=pretend.device), lambda: ValueError("holds"))
    readings.require(torch.zeros((), dtype=torch.bool, device=pretend.device), lambda: InvalidValueError("fails"))
    with pytest.raises(InvalidValueError, match="fails"):
        readings.settle()
    with pytest.raises(InvalidValueError, match="fails"):
        readings.require(torch.tensor(False), lambda: InvalidValueError("fails"))


def test_a_copy_is_waited_for_once(pretend):
    x = torch.arange(4, device=pretend.device)
    with pretend.counted() as trips:
        copy = HostCopy(x)
        assert trips.total() == 0
        assert copy.read().tolist() == copy.read().tolist() == [0, 1, 2, 3]
    assert trips.total() == 1
