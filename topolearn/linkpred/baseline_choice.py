"""Choose the best non-links by a baseline, or a sample of them, without storing all scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from topolearn.graph.one_mode.graph import Graph
from topolearn.linkpred.baseline import Baseline, blocks_of
from topolearn.linkpred.draw import Draw
from topolearn.linkpred.rounding import rounded
from topolearn.linkpred.scoring import Known
from topolearn.sampling import Pool


def choose_by_baseline(
    graph: Known, baseline: Baseline, draw: Draw, dtype: torch.dtype, progress: Callable[[int], object]
) -> tuple[Tensor, Tensor]:
    """Choose non-links by a baseline, scored block by block; return their sorted cells, and their scores.

    Parameters
    ----------
    graph : BipartiteGraph or Graph
    baseline : Baseline
    draw : Draw
    dtype : torch.dtype
        The dtype of the scores.
    progress : callable
        Called with the number of rows done since the last call.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For an invalid number of links.
    """
    links = torch.from_numpy(np.array(graph.cells))
    excluded = draw.excluded(links)
    draw.check(graph.n_cells - excluded.numel(), graph.n_cells)
    pool = Pool(int(draw.k), draw.field, draw.soft, draw.barred)
    adjacency = graph.to_scipy().astype(np.float64)
    for rows in blocks_of(graph):
        cells, scores = _candidates(graph, baseline.rows(adjacency, rows), rows.start)
        free = ~torch.isin(cells, links)
        pool.offer(cells[free], rounded(scores[free].to(dtype)))
        progress(rows.stop - rows.start)
    return draw.by_scores(*pool.best(), graph.n_cells, excluded)


def _candidates(graph: Known, block: NDArray[np.float64] | sparse.csr_array, first: int) -> tuple[Tensor, Tensor]:
    """Return the cells with a positive score in a block of rows, including links, and their scores."""
    scores = sparse.coo_array(block)
    i, j = (side.astype(np.int64) for side in scores.coords)
    i += first
    kept = scores.data > 0
    if isinstance(graph, Graph):
        kept &= i < j
    i, j = i[kept], j[kept]
    cells = graph.starts[i] + j if isinstance(graph, Graph) else i * graph.shape[1] + j
    return torch.from_numpy(cells), torch.from_numpy(scores.data[kept])
