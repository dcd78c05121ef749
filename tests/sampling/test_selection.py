"""Choosing k candidates: the draws follow their law and depend only on the field and the scores."""

from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.profiles import examples
from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField, choose, sample, top

FEW = examples(40)
SCORES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.0, 2.0, 7.25]), min_size=1, max_size=25)
DTYPES = [torch.float32, torch.float64]


def law_by_hand(weights, k):
    """Return the probability of each set of k when drawing one after another from the remaining ones."""
    law = dict.fromkeys(combinations(range(len(weights)), k), 0.0)
    for order in permutations(range(len(weights)), k):
        probability, left = 1.0, sum(weights)
        for i in order:
            probability *= weights[i] / left
            left -= weights[i]
        law[tuple(sorted(order))] += probability
    return law


def counted(draws, outcomes):
    """Count how often each outcome was drawn; raise KeyError for any other outcome."""
    counts = dict.fromkeys(outcomes, 0)
    for draw in draws:
        counts[tuple(draw.tolist())] += 1
    return list(counts.values())


def fields(n):
    """Return n fields that differ in seed, update or both."""
    return [RandomField(i % 50, "fc", i // 50, "removal") for i in range(n)]


def test_the_law_by_hand_on_known_values():
    law = law_by_hand((1, 2, 3), 2)
    assert law[0, 1] == pytest.approx(0.15)
    assert law[0, 2] == pytest.approx(0.26667, abs=1e-5)
    assert law[1, 2] == pytest.approx(0.58333, abs=1e-5)


@pytest.mark.parametrize(
    ("weights", "k", "exponent", "n_draws"),
    [
        ((1, 2, 3), 2, 1, 6000),
        ((1, 2, 3), 1, 2.5, 2500),
        ((1, 1.5, 2, 2.5, 3, 4), 3, 1, 5000),
        ((1, 2, 8), 1, 0, 2000),
        ((1e-300, 2e-300, 3e-300), 2, 1, 2000),
    ],
)
def test_sets_are_drawn_by_the_law_of_successive_sampling(weights, k, exponent, n_draws):
    law = law_by_hand([(w / weights[0]) ** exponent for w in weights], k)
    cells, scores = torch.arange(len(weights)), torch.tensor(weights, dtype=torch.float64)
    draws = [sample(cells, scores, k, field, exponent=exponent) for field in fields(n_draws)]
    expected = [n_draws * probability for probability in law.values()]
    assert stats.chisquare(counted(draws, law), expected).pvalue > 1e-3


def test_inclusion_agrees_with_successive_sampling_by_numpy():
    weights = np.array([1, 1.5, 2, 2.5, 3, 4])
    rng, n_draws = np.random.default_rng(0), 3000
    theirs = [rng.choice(6, 3, replace=False, p=weights / weights.sum()) for _ in range(n_draws)]
    ours = [sample(torch.arange(6), torch.from_numpy(weights), 3, field) for field in fields(n_draws)]
    difference = np.bincount(np.concatenate(theirs), minlength=6) - np.bincount(np.concatenate(ours), minlength=6)
    assert np.abs(difference).max() < 4 * np.sqrt(2 * n_draws / 4)


@FEW
@given(scores=st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=20), exponent=st.floats(0, 9), data=st.data())
def test_an_exponent_gives_the_same_draw_as_a_power_of_the_scores(scores, exponent, data):
    k, seed = data.draw(st.integers(0, len(scores))), data.draw(st.integers(0, 10**6))
    cells, weights = torch.arange(len(scores)), torch.tensor(scores, dtype=torch.float64)
    by_exponent = sample(cells, weights, k, RandomField(seed), exponent=exponent)
    assert torch.equal(by_exponent, sample(cells, weights**exponent, k, RandomField(seed)))


@pytest.mark.parametrize("exponent", [1, 9])
def test_the_draw_is_gumbel_top_k(exponent):
    field, scores = RandomField(9, "fc", 4, "removal"), torch.linspace(0.1, 3, 500, dtype=torch.float64)
    cells = torch.arange(500) * 17
    keys = exponent * np.log(scores.numpy()) - np.log(-np.log(field.uniform(cells).numpy()))
    expected = sorted(cells[np.argsort(keys)[-120:].tolist()].tolist())
    assert sample(cells, scores, 120, field, exponent=exponent).tolist() == expected


@pytest.mark.parametrize("exponent", [1, 3, 9])
def test_scores_of_any_size(exponent):
    """Ratios of 1e600 and more: the larger score always wins, and tiny scores still come before zeros."""
    cells, scores = torch.arange(5), torch.tensor([1e-300, 0, 1e300, 5e-324, 1], dtype=torch.float64)
    for seed in range(20):
        for k, expected in enumerate(([], [2], [2, 4], [0, 2, 4], [0, 2, 3, 4], [0, 1, 2, 3, 4])):
            assert sample(cells, scores, k, RandomField(seed), exponent=exponent).tolist() == expected
    huge = torch.full((6,), 1e300, dtype=torch.float64)
    assert len({tuple(sample(torch.arange(6), huge, 3, f, exponent=exponent).tolist()) for f in fields(300)}) == 20


@pytest.mark.parametrize("select", [top, sample])
def test_zeros_come_last_and_then_uniformly(select):
    cells, scores = torch.arange(6), torch.tensor([0, 2.0, 0, 0, 1.0, 0])
    draws = [select(cells, scores, 4, field) for field in fields(1500)]
    outcomes = [tuple(sorted((1, 4, *zeros))) for zeros in combinations((0, 2, 3, 5), 2)]
    assert stats.chisquare(counted(draws, outcomes)).pvalue > 1e-3
    assert all(1 in select(cells, scores, 2, f) and 4 in select(cells, scores, 2, f) for f in fields(30))


def test_exponent_zero_still_takes_zeros_last():
    cells, scores = torch.arange(4), torch.tensor([0.0, 3.0, 0.0, 1.0])
    assert all(sample(cells, scores, 2, field, exponent=0).tolist() == [1, 3] for field in fields(50))
    assert all(sample(cells, scores, 3, field, exponent=0).numel() == 3 for field in fields(50))


@pytest.mark.parametrize(
    ("scores", "k", "outcomes"),
    [
        ((3, 1, 1, 1, 0), 2, [(0, 1), (0, 2), (0, 3)]),
        ((1, 1, 1, 1), 2, list(combinations(range(4), 2))),
        ((2, 2, 5, 2, 5), 4, [(0, 1, 2, 4), (0, 2, 3, 4), (1, 2, 3, 4)]),
    ],
)
def test_ties_at_the_top_are_broken_uniformly(scores, k, outcomes):
    cells, values = torch.arange(len(scores)), torch.tensor(scores)
    draws = [top(cells, values, k, field) for field in fields(1500)]
    assert stats.chisquare(counted(draws, outcomes)).pvalue > 1e-3


@FEW
@given(scores=SCORES, data=st.data())
def test_top_takes_the_largest(scores, data):
    k = data.draw(st.integers(0, len(scores)))
    chosen = top(torch.arange(len(scores)), torch.tensor(scores), k, RandomField(data.draw(st.integers(0, 99))))
    assert sorted((scores[i] for i in chosen.tolist()), reverse=True) == sorted(scores, reverse=True)[:k]
    assert len(set(chosen.tolist())) == k


@FEW
@given(scores=SCORES, data=st.data())
def test_neither_the_order_nor_the_dtype_of_the_candidates_matters(scores, data):
    n, field = len(scores), RandomField(data.draw(st.integers(0, 10**6)), "fc", 3, "regrowth")
    k, order = data.draw(st.integers(0, n)), torch.tensor(data.draw(st.permutations(range(n))))
    cells = torch.arange(n) * 5 + 2
    for select in (top, sample):
        found = select(cells, torch.tensor(scores, dtype=torch.float64), k, field)
        assert found.tolist() == sorted(found.tolist())
        assert found.dtype == torch.int64
        for dtype in DTYPES:
            assert torch.equal(select(cells[order], torch.tensor(scores, dtype=dtype)[order], k, field), found)


def test_scores_that_differ_in_their_last_bits_only():
    """Their logarithms are equal in float32; a high exponent reveals a logarithm taken in float32."""
    cells, scores = torch.arange(200), torch.tensor(1e30) * (1 + torch.arange(200) * 2.0**-22)
    assert scores.unique().numel() == 200
    drawn = sample(cells, scores, 50, RandomField(0), exponent=1e8)
    assert drawn.tolist() == list(range(150, 200))
    assert torch.equal(drawn, sample(cells, scores.double(), 50, RandomField(0), exponent=1e8))


@pytest.mark.parametrize("soft", [False, True])
@FEW
@given(data=st.data())
def test_choose_needs_no_matrix(soft, data):
    """All non-links in order, zeros included, and the positive ones alone in any order give the same draw."""
    n_cells = data.draw(st.integers(1, 30))
    links = sorted(data.draw(st.sets(st.integers(0, n_cells - 1), max_size=n_cells)))
    free = [cell for cell in range(n_cells) if cell not in links]
    scores = {cell: data.draw(st.sampled_from([0.0, 0.0, 1.0, 2.5])) for cell in free}
    k, field = data.draw(st.integers(0, len(free))), RandomField(data.draw(st.integers(0, 10**6)), purpose="regrowth")
    positive = data.draw(st.permutations([cell for cell in free if scores[cell] > 0]))

    def chosen(cells, dtype):
        values = torch.tensor([scores[cell] for cell in cells], dtype=dtype)
        candidates, excluded = (torch.tensor(c, dtype=torch.int64) for c in (cells, links))
        return choose(candidates, values, k, field, soft=soft, n_cells=n_cells, excluded=excluded).tolist()

    found = chosen(free, torch.float64)
    assert found == chosen(positive, torch.float64) == chosen(positive, torch.float32)
    assert found == sorted(set(found))
    assert len(found) == k
    assert not set(found) & set(links)
    assert sum(scores[cell] > 0 for cell in found) == min(k, len(positive))


@pytest.mark.parametrize("soft", [False, True])
def test_places_without_a_scored_cell_are_filled_uniformly(soft):
    links, scored = torch.tensor([1, 4, 8]), torch.tensor([2, 6])
    draws = [
        choose(scored, torch.tensor([3.0, 1.0]), 4, field, soft=soft, n_cells=9, excluded=links)
        for field in fields(1500)
    ]
    outcomes = [tuple(sorted((2, 6, *others))) for others in combinations((0, 3, 5, 7), 2)]
    assert stats.chisquare(counted(draws, outcomes)).pvalue > 1e-3


@pytest.mark.parametrize("soft", [False, True])
def test_choose_without_candidates_and_in_a_layer_too_large_to_list(soft):
    none, field = torch.empty(0, dtype=torch.int64), RandomField(0)
    assert choose(none, none.float(), 3, field, soft=soft, n_cells=3, excluded=none).tolist() == [0, 1, 2]
    chosen = choose(torch.tensor([5]), torch.ones(1), 4, field, soft=soft, n_cells=10**15, excluded=torch.arange(3))
    assert chosen.unique().numel() == 4
    assert 5 in chosen
    with pytest.raises(InvalidValueError, match="free"):
        choose(none, none.float(), 3, field, soft=soft, n_cells=3, excluded=torch.tensor([1]))


def test_the_softer_the_choice_the_more_it_differs_from_the_hard_one():
    """The share of the 30 % removed that is among the 30 % smallest, for normal weights."""
    weights = np.abs(np.random.default_rng(0).standard_normal(20_000))
    cells, scores, kept = torch.arange(20_000), torch.from_numpy(weights), 14_000
    hard = set(np.argsort(weights)[:6000].tolist())
    for exponent, share in ((1, 0.67), (2, 0.80), (3, 0.86), (9, 0.95)):
        keep = sample(cells, scores, kept, RandomField(1), exponent=exponent).tolist()
        assert len(hard - set(keep)) / 6000 == pytest.approx(share, abs=0.015)


def test_the_number_of_threads_does_not_matter(n_threads):
    n, field = 300_000, RandomField(6, "fc", 2, "regrowth")
    cells, excluded = torch.arange(n) * 2, torch.arange(n) * 2 + 1
    scores = (torch.arange(n) % 11).double()
    found = []
    for threads in (1, 2):
        n_threads(threads)
        assert torch.get_num_threads() == threads
        found.append(
            (
                sample(cells, scores, 50_000, field, exponent=3),
                top(cells, scores, 50_000, field),
                choose(cells, scores, 280_000, field, soft=True, n_cells=2 * n, excluded=excluded),
            )
        )
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


@pytest.mark.parametrize(
    ("scores", "k", "message"),
    [
        ((1, float("nan"), 2), 1, "NaN"),
        ((1, -1e-9, 2), 1, "negative"),
        ((1, 2, -float("inf")), 1, "negative"),
        ((1, 2, 3), 4, "k=4 of 3"),
        ((1, 2, 3), -1, "k=-1"),
        ((1, 2), 1, r"\(3,\).*\(2,\)"),
    ],
)
def test_impossible_requests_are_rejected(scores, k, message):
    cells, values, field = torch.arange(3), torch.tensor(scores), RandomField(0)
    for select in (top, sample):
        with pytest.raises(InvalidValueError, match=message):
            select(cells, values, k, field)
    if k <= 3:
        with pytest.raises(InvalidValueError, match=message):
            choose(cells, values, k, field, soft=True, n_cells=9, excluded=torch.tensor([8]))


@pytest.mark.parametrize("exponent", [-1, float("inf"), float("nan")])
def test_an_invalid_exponent_is_rejected(exponent):
    with pytest.raises(InvalidValueError, match="exponent"):
        sample(torch.arange(2), torch.ones(2), 1, RandomField(0), exponent=exponent)
