"""Where new links grow: among the non-links of a layer, by their scores.

A regrowth takes the graph of a layer after removal and percolation, and gives k of its non-links as sorted cells on a
device: those with the highest scores (hard), or a sample in proportion to the scores (soft).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from topolearn.graph import BipartiteGraph
from topolearn.linkpred import names, select_cells
from topolearn.registry import Registry
from topolearn.sampling import RandomField

Regrowth = Callable[[BipartiteGraph, int, RandomField, bool, torch.device], Tensor]


def by_predictor(predictor: str) -> Regrowth:
    """Return the regrowth that asks a link predictor, in float32; ``random`` draws uniformly (SET)."""

    def regrow(graph: BipartiteGraph, k: int, field: RandomField, soft: bool, device: torch.device) -> Tensor:
        return select_cells(graph, predictor, k, field, soft=soft, device=device, dtype=torch.float32)

    return regrow


REGROWTHS: Registry[Regrowth] = Registry("regrowth score", {name: by_predictor(name) for name in names()})
