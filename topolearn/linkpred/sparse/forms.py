"""The sparse forms as functions: from links and a predictor to scores, or to the candidates worth keeping."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from topolearn.linkpred.one_mode import OneModeGraph
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.sparse.links import Links, links_of_one_mode, sum_over, weight_table
from topolearn.linkpred.sparse.threads import LEAST, cut, for_each

SEEDS = 256  # output neurons whose paths one pass through all local communities counts
Rows = tuple[int, int]


def numpy_dtype(dtype: torch.dtype) -> np.dtype[np.floating]:
    """Return numpy's float32 or float64."""
    return np.dtype(np.float32 if dtype == torch.float32 else np.float64)


def sparse_scores(links: Links, predictor: LinkPredictor, dtype: torch.dtype, form: str) -> NDArray[np.floating]:
    """Return the scores of all non-links, 0 at links, shape (n_out, n_in), by one of the sparse forms."""
    if form == "community":
        return block_scores(links, predictor, dtype)((0, links.n_out))
    scores = np.zeros((links.n_out, links.n_in), numpy_dtype(dtype))
    _score_rows(links, predictor, dtype, scores)
    return scores


def one_mode_scores(graph: OneModeGraph, predictor: LinkPredictor, dtype: torch.dtype) -> NDArray[np.floating]:
    """Return the scores of all pairs of nodes, shape (n, n) and symmetric, 0 at links."""
    from topolearn.linkpred.sparse.kernels.one_mode import make_scratch, score_nodes

    links, tables, n_candidates = tables_of_one_mode(graph, predictor, dtype)
    scores = np.zeros(graph.shape, numpy_dtype(dtype))
    local = threading.local()

    def work(part: Rows) -> None:
        if not hasattr(local, "scratch"):
            local.scratch = make_scratch(graph.n_nodes, scores.dtype)
        score_nodes(*part, predictor.per == "path", links, tables, local.scratch, scores)

    for_each(work, cut(20 * n_candidates + 1))
    return scores


def block_scores(links: Links, predictor: LinkPredictor, dtype: torch.dtype) -> Callable[[Rows], NDArray[np.floating]]:
    """Return a function that gives the scores of a block of rows, 0 at links."""
    from topolearn.linkpred.sparse.kernels.community import add_paths
    from topolearn.linkpred.sparse.kernels.picking import clear_links

    table, far_table = tables_of(links, predictor, dtype)
    across = links.transposed
    if predictor.per == "path":
        far_weights = _pair_weights(across, far_table, dtype)

    def paths(rows: Rows) -> NDArray[np.floating]:
        scores = np.zeros((rows[1] - rows[0], links.n_in), numpy_dtype(dtype))

        def work(part: Rows) -> None:
            first, last = part
            block = rows[0] + first, rows[0] + last
            add_paths(*block, links.arrays, table, far_weights, scores[first:last])
            clear_links(*block, links.pointers, links.ends, scores[first:last])

        nanoseconds = 9.0 * scores.size + links.walks()[slice(*rows)].sum() / 4
        for_each(work, _blocks(len(scores), nanoseconds))
        return scores

    def neurons(rows: Rows) -> NDArray[np.floating]:
        scores = np.zeros((rows[1] - rows[0], links.n_in), numpy_dtype(dtype))
        _add_neurons(links, rows, table, scores, by_rows=True)
        _add_neurons(across, rows, far_table, scores.T, by_rows=False)
        first = rows[0]
        for_each(
            lambda part: clear_links(
                first + part[0], first + part[1], links.pointers, links.ends, scores[part[0] : part[1]]
            ),
            cut(links.fan_in[slice(*rows)] * 2 + 1),
        )
        return scores

    return paths if predictor.per == "path" else neurons


def _pair_weights(links: Links, table: Any, dtype: torch.dtype) -> NDArray[np.floating]:
    """Return the weight of each row neuron (row) for each seed of its own side (column)."""
    from topolearn.linkpred.sparse.kernels.community import WIDTH, fill_weights, split

    weights = np.empty((links.n_out, links.n_out), numpy_dtype(dtype))
    splits = split(0, links.n_out, links.pointers, links.ends, links.n_in, 2)
    for_each(
        lambda part: fill_weights(*part, links.arrays, splits, table, weights),
        cut(np.full(links.n_out, _nanoseconds_of_seed(links)), step=WIDTH),
    )
    return weights


def _add_neurons(links: Links, rows: Rows, table: Any, scores: NDArray[np.floating], *, by_rows: bool) -> None:
    """Add the weights of the row neurons of the links to scores of some rows, or, transposed, of some columns."""
    from topolearn.linkpred.sparse.kernels.community import WIDTH, add_neurons, split

    seen = (0, links.n_in) if by_rows else rows
    splits = (
        split(0, links.n_out, links.pointers, links.ends, links.n_in, 2),
        split(*seen, links.back_pointers, links.back_ends, links.n_out, scores.itemsize),
    )
    offset = rows[0] if by_rows else 0

    def work(part: Rows) -> None:
        first, last = part
        add_neurons(offset + first, offset + last, links.arrays, splits, table, scores[first:last])

    for_each(work, cut(np.full(len(scores), _nanoseconds_of_seed(links)), step=WIDTH))


def _nanoseconds_of_seed(links: Links) -> float:
    """Return about how long the sums over the row neurons of one seed take."""
    return links.ends.size / 20 + 3 * (links.n_out + links.n_in)


def _blocks(n: int, nanoseconds: float) -> list[Rows]:
    """Return blocks of at most `SEEDS` rows, and one for each thread if there is enough work."""
    n_blocks = max(-(-n // SEEDS), min(n, torch.get_num_threads(), int(nanoseconds / LEAST)))
    bounds = np.linspace(0, n, n_blocks + 1).round().astype(int).tolist()
    return list(pairwise(bounds))


def tables_of(links: Links, predictor: LinkPredictor, dtype: torch.dtype) -> tuple[Any, Any]:
    """Return the weight tables of the output neurons and of the input neurons."""
    return (
        weight_table(links.fan_in, predictor.weight, dtype),
        weight_table(links.fan_out, predictor.weight, dtype),
    )


def _score_rows(links: Links, predictor: LinkPredictor, dtype: torch.dtype, scores: NDArray[np.floating]) -> None:
    from topolearn.linkpred.sparse.kernels.stream import make_scratch, score_rows

    table, far_table = tables_of(links, predictor, dtype)
    local = threading.local()

    def work(part: Rows) -> None:
        if not hasattr(local, "scratch"):
            local.scratch = make_scratch(links.n_out, links.n_in, scores.dtype)
        first, last = part
        score_rows(
            first, last, predictor.per == "path", links.arrays, table, far_table, local.scratch, scores[first:last]
        )

    for_each(work, cut(5 * links.walks() + 1))


def tables_of_one_mode(graph: OneModeGraph, predictor: LinkPredictor, dtype: torch.dtype) -> tuple[Any, Any, Any]:
    """Return links, weight tables for members of one seed and of both, and how many candidates a node has at most."""
    links = links_of_one_mode(graph)
    degrees = np.diff(links[0])
    one, both = (weight_table(degrees, predictor.weight, dtype, n_seeds=n) for n in (1, 2))
    walks = sum_over(*links, sum_over(*links, degrees))
    return links, (*one, *both), np.minimum(walks, np.arange(graph.n_nodes)[::-1])
