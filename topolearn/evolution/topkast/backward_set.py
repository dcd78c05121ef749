"""The cells that Top-KAST trains in addition to the links: the next ones in the ranking that selects links."""

from __future__ import annotations

import torch
from torch import Tensor

from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.evolution.step.links import LayerLinks
from topolearn.evolution.step.stages import Step, candidates_of
from topolearn.sampling import best


def n_trained(n_links: int, n_cells: int, ratio: float) -> int:
    """Return the number of trained cells, including the links: a multiple of the links, at most all cells.

    Examples
    --------
    >>> n_trained(30, 100, 2.0), n_trained(30, 100, 5.0)
    (60, 100)
    """
    return min(round(ratio * n_links), n_cells)


def backward_set(layer: LayerLinks, links: Tensor, name: str, step: Step) -> Tensor:
    """Return the cells trained until the next update: the links and the best of the other cells.

    Parameters
    ----------
    layer : LayerLinks
        The layer with its stored values.
    links : Tensor of int64
        The next links of the layer, as sorted flat positions.
    name : str
        Name of the layer, for breaking ties.
    step : Step
        The ``pruning`` of its method is the score, and ``backward_ratio`` determines how many cells to return.

    Returns
    -------
    Tensor of int64
        Sorted flat positions.

    References
    ----------
    Jayakumar et al. (2020), "Top-KAST: Top-K always sparse training", NeurIPS: the set B, which contains A.

    Examples
    --------
    >>> from topolearn.evolution import method
    >>> values = torch.tensor([4.0, 3.0, -2.0, 1.0])
    >>> layer = LayerLinks(torch.tensor([0]), values[:1], (1, 4), stored=values)
    >>> backward_set(layer, torch.tensor([0]), "", Step(method("topkast", backward_ratio=3), 0.0, seed=0, index=1))
    tensor([0, 1, 2])
    """
    method = step.method
    assert method.backward_ratio is not None
    cells = candidates_of(layer)
    scores = REMOVAL_SCORES[method.pruning](cells, method.score_params)
    is_other = torch.ones_like(scores, dtype=torch.bool)
    is_other[links] = False
    n_more = n_trained(links.numel(), scores.numel(), method.backward_ratio) - links.numel()
    others = scores.masked_fill(~is_other, -torch.inf)
    more = best(cells.cells, others, n_more, step.field(name, "backward"))
    return torch.cat((links, more)).sort().values
