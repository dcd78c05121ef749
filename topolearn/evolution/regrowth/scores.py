"""New links by a custom score."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.regrowth.site import RegrowthScore, Site
from topolearn.graph import BipartiteGraph
from topolearn.sampling import RandomField, choose


def by_scores(score: Callable[[BipartiteGraph], Any]) -> RegrowthScore:
    """Return the regrowth that asks a score of all cells of a layer at once, in memory of n_out * n_in numbers.

    Parameters
    ----------
    score : callable
        From the graph that removal and percolation left to a matrix of scores, shape (n_out, n_in), each at least 0.
        Those of links do not count; where too few non-links have one above 0, others grow at random.

    Returns
    -------
    RegrowthScore
        Register it: ``REGROWTHS.register("my_rule", by_scores(score))``; then ``regrowth="my_rule"`` takes the highest
        scores, and ``"my_rule-soft"`` draws in proportion to them.

    Raises
    ------
    InvalidValueError
        When called, for scores of another shape, negative ones, or NaN.

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
