"""Regrowth by a custom score."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.regrowth.site import RegrowthScore, Site
from topolearn.graph import BipartiteGraph
from topolearn.sampling import RandomField, choose


def by_scores(score: Callable[[BipartiteGraph], Any]) -> RegrowthScore:
    """Return the regrowth score that a function computes for all n_out * n_in cells of a layer at once.

    Parameters
    ----------
    score : callable
        Maps the graph that remains after removal and percolation to a matrix of scores of at least 0, shape
        (n_out, n_in). Scores of links are ignored; if too few non-links have a positive score, others grow at random.

    Returns
    -------
    RegrowthScore
        Register it: ``REGROWTHS.register("my_rule", by_scores(score))``; then ``regrowth="my_rule"`` takes the highest
        scores, and ``"my_rule-soft"`` draws in proportion to them.

    Raises
    ------
    InvalidValueError
        When the score is used, if scores have another shape, are negative, or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> towards_hubs = by_scores(lambda g: np.outer(g.fan_in, g.fan_out))
    >>> links = torch.tensor([0, 1, 3])  # of a layer with two inputs, and two outputs
    >>> site = Site(links, (2, 2), torch.empty(0, dtype=torch.int64))
    >>> towards_hubs.choose(site, 1, RandomField(0), False)
    tensor([2])
    """

    def chosen(site: Site, k: int, field: RandomField, soft: bool) -> Tensor:
        scores = torch.as_tensor(score(site.graph), device=site.links.device)
        if scores.shape != site.shape:
            raise InvalidValueError(f"scores have shape {tuple(scores.shape)}, not (n_out, n_in) = {site.shape}")
        is_free = torch.ones(site.n_cells, dtype=torch.bool, device=scores.device)
        is_free[site.excluded] = False
        cells = is_free.nonzero().squeeze(1)
        values = scores.reshape(-1)[cells].to(torch.float64)
        return choose(cells, values, k, field, soft=soft, n_cells=site.n_cells, excluded=site.excluded)

    return RegrowthScore(chosen)
