"""The random baseline: scores that do not depend on the graph."""

from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph.door import reject_unclear
from topolearn.graph.one_mode.graph import one_mode
from topolearn.linkpred.dense import as_mask
from topolearn.linkpred.dense.device import check_dtype
from topolearn.linkpred.dense.node_based import blocks
from topolearn.linkpred.scoring import Scorable, device_of, two_sided
from topolearn.sampling import RandomField

BLOCK = 2**22  # cells drawn at once


def check_seed(seed: int | None) -> int:
    """Return the seed as an integer, a random one for None.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not an integer, or negative.
    """
    if seed is None:
        return int(np.random.default_rng().integers(2**62))
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise InvalidTypeError(f"seed={seed!r} must be an integer or None")
    if seed < 0:
        raise InvalidValueError(f"seed={seed} must be at least 0")
    return int(seed)


def random(
    graph: Scorable,
    *,
    seed: int | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | np.dtype | str | None = None,
) -> np.ndarray | Tensor:
    """Score all non-links at random, with draws of U(0, 1] from the random field of the seed.

    Parameters
    ----------
    graph : BipartiteGraph, scipy or numpy matrix, torch tensor, or networkx or igraph graph
        The links, of shape (n_out, n_in), or a one-mode graph of n nodes.
    seed : int, optional
        The same seed gives the same scores on any device; None gives new ones on every call.
    device, dtype : optional
        As for `topolearn.linkpred.score`.

    Returns
    -------
    numpy.ndarray or Tensor, shape (n_out, n_in) or (n, n)
        The scores, 0 at links.

    Examples
    --------
    >>> first, again = (random(np.eye(3), seed=7) for _ in range(2))
    >>> bool((first == again).all())
    True
    """
    field = RandomField(check_seed(seed), purpose="random")
    number = check_dtype(dtype)
    nodes = one_mode(graph)
    if nodes is not None:
        scores = np.zeros(nodes.shape, np.float64)
        i, j = np.triu_indices(nodes.n_nodes, 1)
        scores[i, j] = scores[j, i] = field.uniform(torch.arange(nodes.n_cells)).numpy()
        scores[nodes.to_scipy().nonzero()] = 0
        return scores.astype(torch.empty(0, dtype=number).numpy().dtype)
    if isinstance(graph, Tensor) and graph.dim() == 3 and not len(graph):
        raise InvalidValueError(f"layers of shape {tuple(graph.shape)}: pass at least one layer")
    reject_unclear(graph)
    place = device_of(graph, device)
    masks = [as_mask(layer, place, number.itemsize) for layer in _layers(graph)]
    drawn = torch.stack([_draw(mask, field, number, i * mask.numel()) for i, mask in enumerate(masks)])
    if not isinstance(graph, Tensor):
        return drawn[0].cpu().numpy()
    return drawn if graph.dim() == 3 else drawn[0]


def _layers(graph: Scorable) -> list[Scorable]:
    return list(graph) if isinstance(graph, Tensor) and graph.dim() == 3 else [two_sided(graph)]


def _draw(mask: Tensor, field: RandomField, number: torch.dtype, first: int) -> Tensor:
    """Return the draws for the cells of a layer, numbered from ``first``."""
    scores = torch.empty(mask.shape, dtype=number, device=mask.device)
    flat = scores.view(-1)
    for block in blocks(flat.numel(), 1, BLOCK):
        cells = torch.arange(first + block.start, first + block.stop, device=flat.device)
        flat[block] = field.uniform(cells).to(number)
    return scores.masked_fill_(mask, 0)
