"""Some cells of each rank suffice to determine the best of all: the choice equals that from the whole gradient."""

from itertools import pairwise

import pytest
import torch

from topolearn.distributed import CollectedRecord
from topolearn.distributed.best_of_shards import candidates_among, quota
from topolearn.evolution.regrowth import REGROWTHS, Site
from topolearn.sampling import RandomField
from topolearn.sparse import GradientRecord

N_IN = 7


class WholeRecord(GradientRecord):
    """The gradient of all cells, in one process."""

    def __init__(self, gradient):
        self.shape, self.average, self._gradient = tuple(gradient.shape), None, gradient

    is_empty = False

    def rows(self, first, last):
        return self._gradient[first:last]


def gradients(kind, n_out, generator):
    """Gradients that are all different, or of few sizes, or mostly 0, or large on one rank alone."""
    gradient = torch.randn(n_out, N_IN, generator=generator, dtype=torch.float64)
    if kind == "tied":
        return gradient.round()
    if kind == "rare":
        return torch.where(gradient.abs() > 1.5, gradient, 0)
    if kind == "on one rank":
        gradient[: n_out // 3] *= 1000
    return gradient


def sent(gradient, bounds, k, field, excluded, *, soft):
    """The candidates that ranks with rows up to each bound send of a gradient."""
    scores = gradient.abs().flatten().index_fill(0, excluded, 0).view(gradient.shape)
    ranks = [candidates_among(scores[a:b].flatten(), a * N_IN, field, soft=soft) for a, b in pairwise(bounds)]
    total = sum(each.cells.numel() for each in ranks)
    level = min(each.level(k, total) for each in ranks)
    return [each.best(k, level, field) for each in ranks]


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("kind", ["different", "tied", "rare", "on one rank"])
@pytest.mark.parametrize("bounds", [(0, 11), (0, 6, 11), (0, 4, 8, 11), (0, 1, 2, 11, 11)])
def test_the_best_of_each_rank_lead_to_the_choice_of_one_process(kind, bounds, soft):
    for seed in range(25):
        generator = torch.Generator().manual_seed(seed)
        gradient, field = gradients(kind, bounds[-1], generator), RandomField(seed, "layer", 1, "regrowth")
        links = torch.randperm(gradient.numel(), generator=generator)[:20].sort().values
        k = int(torch.randint(1, gradient.numel() - 20, (1,), generator=generator))
        choose = REGROWTHS["gradient"].choose
        whole = choose(Site(links, gradient.shape, links[:0], WholeRecord(gradient)), k, field, soft)
        pieces = sent(gradient, bounds, k, field, links, soft=soft)
        record = CollectedRecord(tuple(gradient.shape))
        record.collect(*(torch.cat([getattr(piece, name) for piece in pieces]) for name in ("cells", "scores")))
        assert torch.equal(choose(Site(links, gradient.shape, links[:0], record), k, field, soft), whole)


def test_where_gradients_are_alike_ranks_send_little_more_than_is_chosen():
    gradient = torch.randn(256, N_IN, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    none = torch.empty(0, dtype=torch.int64)
    for soft in (False, True):
        pieces = sent(gradient, range(0, 257, 32), 300, RandomField(0), none, soft=soft)
        assert 300 <= sum(piece.cells.numel() for piece in pieces) < 2 * 300


@pytest.mark.parametrize("counts", [(0, 5, 9), (1, 1, 1), (100, 3, 0), (7,)])
def test_quotas_add_up_to_what_is_chosen_at_least_and_no_rank_owes_more_than_it_has(counts):
    for k in range(1, sum(counts) + 1):
        quotas = [quota(k, own, sum(counts)) for own in counts]
        assert sum(quotas) >= k
        assert all(each <= own for each, own in zip(quotas, counts, strict=True))
