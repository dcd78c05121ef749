"""The compiled forms: compute scores from links and a predictor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from topolearn.graph.one_mode.graph import Graph
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred.compiled.cost import multiplies
from topolearn.linkpred.compiled.products import product_scores
from topolearn.linkpred.compiled.weights import numpy_dtype, tables_of, tables_of_one_mode
from topolearn.linkpred.form_names import COMMUNITY
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.threads import LEAST, Rows, cut, for_each

SEEDS = 256  # output neurons whose paths are summed in one pass through all local communities


def compiled_scores(links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype, form: str) -> NDArray[np.floating]:
    """Return the scores of all non-links, 0 at links, shape (n_out, n_in), in one of the compiled forms."""
    if form == COMMUNITY:
        return block_scores(links, predictor, dtype)((0, links.n_out))
    scores = np.zeros((links.n_out, links.n_in), numpy_dtype(dtype))
    _score_rows(links, predictor, dtype, scores)
    return scores


def one_mode_scores(graph: Graph, predictor: LinkPredictor, dtype: torch.dtype) -> NDArray[np.floating]:
    """Return the scores of all pairs of nodes, shape (n, n) and symmetric, 0 at links."""
    from topolearn.linkpred.compiled.kernels.one_mode import make_scratch, score_nodes

    links, tables, n_candidates = tables_of_one_mode(graph, predictor, dtype)
    scores = np.zeros(graph.shape, numpy_dtype(dtype))
    local = threading.local()

    def work(chunk: Rows) -> None:
        if not hasattr(local, "scratch"):
            local.scratch = make_scratch(graph.n_nodes, scores.dtype)
        score_nodes(*chunk, predictor.per_path, links, tables, local.scratch, scores)

    for_each(work, cut(20 * n_candidates + 1))
    return scores


def block_scores(
    links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype
) -> Callable[[Rows], NDArray[np.floating]]:
    """Return a function that computes the scores of a block of rows, 0 at links."""
    if predictor.per_path:
        compute = _path_scores(links, predictor, dtype)
    elif multiplies(links, predictor, numpy_dtype(dtype).itemsize):
        compute = product_scores(links, predictor, dtype)
    else:
        compute = _neuron_scores(links, predictor, dtype)

    def scores(rows: Rows) -> NDArray[np.floating]:
        block = compute(rows)
        _clear_links(links, rows, block)
        return block

    return scores


def _clear_links(links: TwoWayCsr, rows: Rows, scores: NDArray[np.floating]) -> None:
    """Set the scores of links in a block to 0."""
    from topolearn.linkpred.compiled.kernels.picking import clear_links

    def work(chunk: Rows) -> None:
        first, last = chunk
        clear_links(rows[0] + first, rows[0] + last, links.pointers, links.ends, scores[first:last])

    for_each(work, cut(links.fan_in[slice(*rows)] * 2 + 1))


def _path_scores(
    links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype
) -> Callable[[Rows], NDArray[np.floating]]:
    """Return a function that sums over the paths from a block of rows."""
    from topolearn.linkpred.compiled.kernels.community import add_paths

    table, far_table = tables_of(links, predictor, dtype)
    far_weights = _pair_weights(links.transposed, far_table, dtype)

    def scores(rows: Rows) -> NDArray[np.floating]:
        block = np.zeros((rows[1] - rows[0], links.n_in), numpy_dtype(dtype))

        def work(chunk: Rows) -> None:
            first, last = chunk
            add_paths(rows[0] + first, rows[0] + last, links.arrays, table, far_weights, block[first:last])

        nanoseconds = 9.0 * block.size + links.walks_of_three()[slice(*rows)].sum() / 4
        for_each(work, _blocks(len(block), nanoseconds))
        return block

    return scores


def _neuron_scores(
    links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype
) -> Callable[[Rows], NDArray[np.floating]]:
    """Return a function that sums over the neurons of the local communities of a block of rows."""
    table, far_table = tables_of(links, predictor, dtype)
    across = links.transposed

    def scores(rows: Rows) -> NDArray[np.floating]:
        block = np.zeros((rows[1] - rows[0], links.n_in), numpy_dtype(dtype))
        _add_neurons(links, rows, table, block, by_rows=True)
        _add_neurons(across, rows, far_table, block, by_rows=False)
        return block

    return scores


def _pair_weights(links: TwoWayCsr, table: Any, dtype: torch.dtype) -> NDArray[np.floating]:
    """Return the weight of each row neuron (row) for each seed of the same side (column)."""
    from topolearn.linkpred.compiled.kernels.community import WIDTH, fill_weights, make_scratch, split

    weights = np.empty((links.n_out, links.n_out), numpy_dtype(dtype))
    splits = split(0, links.n_out, links.pointers, links.ends, links.n_in, 2)

    def work(chunk: Rows) -> None:
        scratch = make_scratch(links.n_out, links.n_in, 0, weights.dtype)
        fill_weights(*chunk, links.arrays, splits, table, scratch, weights)

    for_each(work, cut(np.full(links.n_out, _nanoseconds_of_seed(links)), step=WIDTH))
    return weights


def _add_neurons(links: TwoWayCsr, rows: Rows, table: Any, scores: NDArray[np.floating], *, by_rows: bool) -> None:
    """Add the weights of the row neurons to scores of some rows, or, if the links are transposed, of some columns."""
    from topolearn.linkpred.compiled.kernels.community import WIDTH, add_neurons, make_scratch, split

    seen = (0, links.n_in) if by_rows else rows
    splits = (
        split(0, links.n_out, links.pointers, links.ends, links.n_in, 2),
        split(*seen, links.back_pointers, links.back_ends, links.n_out, scores.itemsize),
    )
    offset, n_seeds = (rows[0], len(scores)) if by_rows else (0, links.n_out)

    def work(chunk: Rows) -> None:
        scratch = make_scratch(links.n_out, links.n_in, seen[1] - seen[0], scores.dtype)
        add_neurons(*chunk, offset, links.arrays, splits, table, scratch, scores, by_rows)

    for_each(work, cut(np.full(n_seeds, _nanoseconds_of_seed(links)), step=WIDTH))


def _nanoseconds_of_seed(links: TwoWayCsr) -> float:
    """Return roughly how long the sums over the row neurons of one seed take."""
    return links.ends.size / 20 + 3 * (links.n_out + links.n_in)


def _blocks(n: int, nanoseconds: float) -> list[Rows]:
    """Return blocks of at most `SEEDS` rows, at least one per thread if there is enough work."""
    n_blocks = max(-(-n // SEEDS), min(n, torch.get_num_threads(), int(nanoseconds / LEAST)))
    bounds = np.linspace(0, n, n_blocks + 1).round().astype(int).tolist()
    return list(pairwise(bounds))


def _score_rows(links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype, scores: NDArray[np.floating]) -> None:
    from topolearn.linkpred.compiled.kernels.stream import make_scratch, score_rows

    table, far_table = tables_of(links, predictor, dtype)
    local = threading.local()

    def work(chunk: Rows) -> None:
        if not hasattr(local, "scratch"):
            local.scratch = make_scratch(links.n_out, links.n_in, scores.dtype)
        first, last = chunk
        score_rows(first, last, predictor.per_path, links.arrays, table, far_table, local.scratch, scores[first:last])

    for_each(work, cut(5 * links.walks_of_three() + 1))
