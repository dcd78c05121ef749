"""Regrowth by a link predictor."""

import sys
from collections.abc import Sequence

import torch
from torch import Tensor

from topolearn.evolution.regrowth.site import RegrowthScore, Site
from topolearn.linkpred import layer_scores, select_cells
from topolearn.sampling import RandomField
from topolearn.terminal import shows_bars


def by_predictor(predictor: str) -> RegrowthScore:
    """Return the regrowth score that a link predictor computes, in float32.

    The predictor sees the unweighted graph that remains after removal and percolation. A choice that takes long, as in
    layers of a million neurons, shows a progress bar on a terminal. Register a custom predictor in
    `topolearn.linkpred.PREDICTORS`, and then here: ``REGROWTHS.register("mine", by_predictor("mine"))``.
    """

    def choose(site: Site, k: int, field: RandomField, soft: bool) -> Tensor:
        return select_cells(
            site.graph, predictor, k, field, soft=soft, device=site.links.device, dtype=torch.float32,
            barred=site.barred if site.barred.numel() else None, progress=shows_bars(sys.stderr),
        )  # fmt: skip

    def matrix(sites: Sequence[Site]) -> Tensor:
        return layer_scores([site.links for site in sites], sites[0].shape, predictor, torch.float32)

    return RegrowthScore(choose, matrix=matrix)
