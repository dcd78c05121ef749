"""Node-based scores of dense layers: shared neighbours counted with bitmaps, sums computed with matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred.compiled.weights import numpy_dtype, tables_of
from topolearn.linkpred.dense.device import exact_products
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.threads import Rows, cut, for_each

WORD, LOOK_UP = 0.3, 0.8  # nanoseconds per 64 possible neighbours, and per weight


def product_scores(
    links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype
) -> Callable[[Rows], NDArray[np.floating]]:
    """Return a function that computes the scores of a block of rows; values at links have no meaning.

    It computes ``P(A) A + A P(A^T)^T`` as `topolearn.linkpred.dense.node_based` explains; the second P is constant.
    """
    table, far_table = tables_of(links, predictor, dtype)
    ones = np.ones(links.ends.size, numpy_dtype(dtype))
    shape = links.n_out, links.n_in
    adjacency = torch.from_numpy(sparse.csr_array((ones, links.ends, links.pointers), shape=shape).toarray())
    bits = _bits(links)
    far_weights = _weights((0, links.n_in), _bits(links.transposed), far_table)

    def scores(rows: Rows) -> NDArray[np.floating]:
        with exact_products(adjacency.device):
            sums = _weights(rows, bits, table) @ adjacency
            return sums.addmm_(adjacency[slice(*rows)], far_weights.T).numpy()

    return scores


def nanoseconds_of_weights(links: TwoWayCsr) -> float:
    """Return roughly how long the weights of all neurons for all seeds of their side take."""
    return _of_rows(links.n_out, links.n_in) * links.n_out + _of_rows(links.n_in, links.n_out) * links.n_in


def _of_rows(n_rows: int, n_columns: int) -> float:
    return n_rows * (WORD * -(-n_columns // 64) + LOOK_UP)


def _bits(links: TwoWayCsr) -> NDArray[np.uint64]:
    from topolearn.linkpred.compiled.kernels.bits import pack

    return pack(links.pointers, links.ends, links.n_in)


def _weights(rows: Rows, bits: NDArray[np.uint64], table: Any) -> torch.Tensor:
    """Return the weight of each neuron of a side (column) for some seeds of it (row), 0 if they share none."""
    from topolearn.linkpred.compiled.kernels.bits import weigh_rows

    n_words, n_rows = bits.shape
    weights = np.empty((rows[1] - rows[0], n_rows), table[0].dtype)

    def work(chunk: Rows) -> None:
        first, last = chunk
        weigh_rows(rows[0] + first, rows[0] + last, bits, table, weights[first:last])

    for_each(work, cut(np.full(len(weights), _of_rows(n_rows, 64 * n_words))))
    return torch.from_numpy(weights)
