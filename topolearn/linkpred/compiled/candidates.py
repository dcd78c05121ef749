"""Find the candidates worth keeping: non-links with a score that reaches the bound of a pool."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from topolearn.graph.one_mode.graph import Graph
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred.compiled.few_inputs import has_few_inputs, input_weights
from topolearn.linkpred.compiled.pair_weights import PairWeights, fills_rows, pairs_of
from topolearn.linkpred.compiled.weights import numpy_dtype, tables_of, tables_of_one_mode
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.rounding import splitter
from topolearn.sampling import Pool
from topolearn.threads import CHUNKS, Rows, fill_chunks, for_each

CANDIDATES = 2**17  # per chunk, unless one row has more; all of them pass in the first chunks, few in later ones
FEW = 2**14  # candidates that are worth another chunk


def stream(
    graph: TwoWayCsr | Graph,
    predictor: LinkPredictor,
    dtype: torch.dtype,
    pool: Pool,
    progress: Callable[[int], None],
    *,
    guesses: bool = False,
) -> None:
    """Offer the candidates of a graph to a pool, row by row; call ``progress`` with the number of rows done.

    ``guesses`` lets the pool estimate a bound if the sum of all scores is known in advance.
    """
    lock = threading.Lock()
    n_rows = graph.n_out if isinstance(graph, TwoWayCsr) else graph.n_nodes
    if isinstance(graph, TwoWayCsr) and fills_rows(graph):
        pairs = pairs_of(graph, predictor, dtype)
        if guesses and not predictor.per_path:
            pool.expect(graph.n_out * graph.n_in - graph.ends.size, pairs.total)
        pick, capacity = _pair_picker(graph, predictor, pairs, dtype)
    elif isinstance(graph, TwoWayCsr) and has_few_inputs(graph, predictor):
        pick, capacity = _input_picker(graph, predictor, dtype)
    else:
        pick, capacity = _picker(graph, predictor, dtype)
    total = np.concatenate([[0], np.cumsum(capacity)])
    chunks = fill_chunks(total, min(CANDIDATES, max(total[-1] / (CHUNKS * torch.get_num_threads()), FEW)))
    local = threading.local()

    def offer(chunk: Rows) -> None:
        first, last = chunk
        needed = int(capacity[first:last].sum())
        if not hasattr(local, "cells") or local.cells.size < needed:
            local.cells, local.kept = np.empty(needed, np.int64), np.empty(needed, numpy_dtype(dtype))
        with lock:
            sieve = _sieve(pool, dtype)
        n = pick(local, chunk, sieve, local.cells, local.kept)
        with lock:
            if n:
                pool.offer(torch.from_numpy(local.cells[:n].copy()), torch.from_numpy(local.kept[:n].copy()))
            progress(last - first)

    assert chunks[-1][1] == n_rows
    for_each(offer, chunks)


def offer_block(links: TwoWayCsr, rows: Rows, scores: NDArray[np.floating], pool: Pool, dtype: torch.dtype) -> None:
    """Offer the candidates among a block of scores to a pool."""
    from topolearn.linkpred.compiled.kernels.picking import pick_block

    lock = threading.Lock()

    def offer(chunk: Rows) -> None:
        first, last = chunk
        size = (last - first) * links.n_in
        cells, kept = np.empty(size, np.int64), np.empty(size, numpy_dtype(dtype))
        with lock:
            sieve = _sieve(pool, dtype)
        flags, listed = np.empty(links.n_in, np.uint8), np.empty(links.n_in + 1, np.int32)
        n = pick_block(rows[0] + first, scores[first:last], sieve, flags, listed, cells, kept)
        with lock:
            pool.offer(torch.from_numpy(cells[:n].copy()), torch.from_numpy(kept[:n].copy()))

    for_each(offer, fill_chunks(np.arange(rows[1] - rows[0] + 1) * links.n_in, CANDIDATES))


def _sieve(pool: Pool, dtype: torch.dtype) -> tuple[Any, ...]:
    """Return the bound of the pool in the form that kernels need."""
    bound = pool.bound
    key = np.uint64(pool.field.key & (2**64 - 1))
    number = numpy_dtype(dtype).type(splitter(dtype))
    return key, pool.soft, np.float64(bound.level), np.uint64(bound.bits), number


def _pair_picker(
    graph: TwoWayCsr, predictor: LinkPredictor, pairs: PairWeights, dtype: torch.dtype
) -> tuple[Callable[..., int], NDArray[np.int64]]:
    """Do the same as `_picker` for a graph whose pair weights are known."""
    from topolearn.linkpred.compiled.kernels.pair_weights import make_scratch, pick_by_neurons, pick_by_paths

    kernel = pick_by_paths if predictor.per_path else pick_by_neurons

    def pick(local: Any, chunk: Rows, *rest: Any) -> int:
        if not hasattr(local, "scratch"):
            local.scratch = make_scratch(graph.n_out, graph.n_in, numpy_dtype(dtype))
        return kernel(*chunk, graph.arrays, pairs.near, pairs.across, local.scratch, *rest)

    return pick, np.minimum(graph.walks_of_three(), graph.n_in)


def _input_picker(
    graph: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype
) -> tuple[Callable[..., int], NDArray[np.int64]]:
    """Do the same as `_picker` for a layer with few input neurons."""
    from topolearn.linkpred.compiled.kernels.few_inputs import make_scratch, pick_by_inputs

    table, weights = input_weights(graph, predictor, dtype)

    def pick(local: Any, chunk: Rows, *rest: Any) -> int:
        if not hasattr(local, "scratch"):
            local.scratch = make_scratch(graph.n_out, graph.n_in, numpy_dtype(dtype))
        return pick_by_inputs(*chunk, graph.arrays, table, weights, local.scratch, *rest)

    return pick, np.full(graph.n_out, graph.n_in)


def _picker(
    graph: TwoWayCsr | Graph, predictor: LinkPredictor, dtype: torch.dtype
) -> tuple[Callable[..., int], NDArray[np.int64]]:
    """Return a function that picks the candidates of a chunk of rows, and the maximum number of each row.

    The first argument of the function holds the scratch arrays of its thread.
    """
    per_path = predictor.per_path
    if isinstance(graph, TwoWayCsr):
        from topolearn.linkpred.compiled.kernels.stream import make_scratch, pick_rows

        table, far_table = tables_of(graph, predictor, dtype)
        links, n_out, n_in = graph.arrays, graph.n_out, graph.n_in

        def pick(local: Any, chunk: Rows, *rest: Any) -> int:
            if not hasattr(local, "scratch"):
                local.scratch = make_scratch(n_out, n_in, numpy_dtype(dtype))
            return pick_rows(*chunk, per_path, links, table, far_table, local.scratch, *rest)

        return pick, np.minimum(graph.walks_of_three(), graph.n_in)
    from topolearn.linkpred.compiled.kernels import one_mode

    both, tables, capacity = tables_of_one_mode(graph, predictor, dtype)
    starts, n_nodes = graph.starts, graph.n_nodes

    def pick_nodes(local: Any, chunk: Rows, *rest: Any) -> int:
        if not hasattr(local, "scratch"):
            local.scratch = one_mode.make_scratch(n_nodes, numpy_dtype(dtype))
        return one_mode.pick_nodes(*chunk, per_path, both, tables, local.scratch, starts, *rest)

    return pick_nodes, capacity
