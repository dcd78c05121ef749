"""Where new links grow: among the non-links of a layer, by their scores.

A regrowth takes the mask of a layer after removal and percolation, and gives k of its non-links as sorted cells: those
with the highest scores (hard), or a sample in proportion to the scores (soft).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from topolearn.linkpred import names, select_cells
from topolearn.registry import Registry
from topolearn.sampling import RandomField

Regrowth = Callable[[Tensor, int, RandomField, bool], Tensor]


def by_predictor(predictor: str) -> Regrowth:
    """Return the regrowth that asks a link predictor, in float32; ``random`` draws uniformly (SET)."""

    def regrow(mask: Tensor, k: int, field: RandomField, soft: bool) -> Tensor:
        return select_cells(mask, predictor, k, field, soft=soft, dtype=torch.float32)

    return regrow


REGROWTHS: Registry[Regrowth] = Registry("regrowth score", {name: by_predictor(name) for name in names()})
