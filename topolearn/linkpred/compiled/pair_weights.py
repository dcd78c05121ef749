"""The weights of neurons for the seeds of their side that share a neighbour with them, as sparse matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred.compiled.weights import Table, numpy_dtype, tables_of
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.threads import Rows, cut, for_each

MOST = 2**22  # weights of a side that are stored
FULL = 8  # rows of scores count as full if at least one in this many cells has a score


@dataclass(frozen=True)
class PairWeights:
    """Pair weights of both sides, in the form that `topolearn.linkpred.compiled.kernels.pair_weights` needs.

    Attributes
    ----------
    near, across : tuple of arrays
        The weights of output neurons, grouped by their seed, and those of input neurons, grouped by member.
    total : float
        The sum of all node-based scores of non-links.
    """

    near: tuple[Any, ...]
    across: tuple[Any, ...]
    total: float


def fills_rows(links: TwoWayCsr) -> bool:
    """Return whether pair weights fit into memory and pay off, since most rows have many non-zero scores."""
    walks = links.transposed.walks_of_two()
    most = max(int(walks.sum()), int(links.walks_of_two().sum()))
    return most <= MOST and FULL * int(links.fan_out @ walks) >= links.n_out * links.n_in


def pairs_of(links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype) -> PairWeights:
    """Return the pair weights of a layer."""
    table, far_table = tables_of(links, predictor, dtype)
    near, near_total = _side(links, table, dtype, are_seeds=True)
    across, total = _side(links.transposed, far_table, dtype, are_seeds=False)
    return PairWeights(near, across, near_total + total)


def _side(links: TwoWayCsr, table: Table, dtype: torch.dtype, *, are_seeds: bool) -> tuple[tuple[Any, ...], float]:
    from topolearn.linkpred.compiled.kernels.pair_weights import weigh_pairs

    walks = links.walks_of_two()
    starts = np.cumsum(walks) - walks
    size = int(walks.sum()) + 1  # one extra, since each is written before it is known to be new
    pairs = starts, starts.copy(), np.empty(size, np.int32), np.empty(size, numpy_dtype(dtype))
    totals: list[float] = []

    def work(chunk: Rows) -> None:
        shared = np.zeros(links.n_out, np.int32)
        totals.append(weigh_pairs(*chunk, links.arrays, table, are_seeds, pairs, shared))

    for_each(work, cut(2 * walks + 1))
    return pairs, sum(sorted(totals))
