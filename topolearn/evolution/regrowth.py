"""Where new links grow: the scores of the non-links.

A regrowth score is a function of the mask of a layer after removal and percolation, and gives the non-links that have
a positive score, as sorted cells, with these scores. All other non-links have score 0.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from topolearn.linkpred import PREDICTORS, score
from topolearn.registry import Registry

RegrowthScore = Callable[[Tensor], tuple[Tensor, Tensor]]


def random(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Score no link above another, so that all are drawn uniformly (SET)."""
    nothing = torch.empty(0, device=mask.device)
    return nothing.to(torch.int64), nothing


def by_predictor(predictor: str) -> RegrowthScore:
    """Return the regrowth score that asks a link predictor, in float32."""

    def scores_of(mask: Tensor) -> tuple[Tensor, Tensor]:
        scores = score(mask, predictor, dtype=torch.float32)
        assert isinstance(scores, Tensor)
        flat = scores.flatten()
        cells = flat.nonzero().squeeze(1)
        return cells, flat[cells]

    return scores_of


REGROWTH_SCORES: Registry[RegrowthScore] = Registry(
    "regrowth score", {"random": random, **{name: by_predictor(name) for name in PREDICTORS}}
)
