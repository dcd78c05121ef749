"""Choose the best new links, or a sample of them, without storing all scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from topolearn.graph import BipartiteGraph
from topolearn.graph.door import reject_unclear
from topolearn.graph.one_mode.graph import Graph, one_mode
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred.baseline import Baseline, known_graph
from topolearn.linkpred.baseline_choice import choose_by_baseline
from topolearn.linkpred.catalogue import find
from topolearn.linkpred.compiled import block_scores, offer_block, prepare, stream
from topolearn.linkpred.dense import as_mask, dense_scores
from topolearn.linkpred.dense.device import check_dtype
from topolearn.linkpred.draw import Draw
from topolearn.linkpred.form_names import AUTO, DENSE, STREAM
from topolearn.linkpred.memory import STREAM_IT, check_memory, compiled_bytes
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.rounding import rounded
from topolearn.linkpred.scoring import (
    Scorable,
    check_form,
    device_of,
    reject_compiled_on,
    reject_for_one_mode,
    two_sided,
)
from topolearn.sampling import Pool, RandomField
from topolearn.terminal import progress_bar

if TYPE_CHECKING:
    from tqdm import tqdm

BLOCK = 2**24  # scores in memory at once


@dataclass(frozen=True)
class Computation:
    """How to compute scores: the form, the device, the dtype, and whether to show a progress bar."""

    form: str = AUTO
    device: torch.device | str | None = None
    dtype: torch.dtype = torch.float64
    progress: bool = False


def select(
    graph: Scorable,
    predictor: str,
    k: int,
    *,
    soft: bool = False,
    seed: int | None = None,
    form: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | np.dtype | str | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Choose k non-links of a graph by their scores, in memory that grows only with the links and k.

    The choice is the same as that of `topolearn.sampling.choose` among all scores: the k best, with ties broken at
    random, or a sample without replacement in proportion to the scores. If fewer than k non-links have a positive
    score, the others are drawn uniformly. Scores that agree to 33 bits (18 in float32) are ties, so that rounding
    errors do not matter: in float64 all forms make the same choice, in float32 nearly always, and each form makes the
    same choice on any number of threads.

    Parameters
    ----------
    graph : BipartiteGraph, scipy or numpy matrix, torch tensor, or networkx or igraph graph
        The links, as for `topolearn.linkpred.score`.
    predictor : str
        One of `topolearn.linkpred.names`; ``random`` draws uniformly.
    k : int
        Number of links to choose.
    soft : bool
        Sample in proportion to the scores instead of taking the best.
    seed : int, optional
        The same seed makes the same choice; None makes a new one on every call.
    form, device, dtype : optional
        As for `topolearn.linkpred.score`. The dense form stores all scores.
    progress : bool
        Show a progress bar if it takes longer than two seconds.

    Returns
    -------
    numpy.ndarray of int64, shape (k, 2)
        The chosen links as rows (input, output), sorted by output; for a one-mode graph, pairs of nodes (i, j), i < j,
        numbered in its order.

    Raises
    ------
    UnknownNameError, InvalidTypeError, InvalidValueError
        For an unknown predictor, an object that is not a graph, a symmetric matrix that may be a one-mode network, or
        a k below 0 or above the number of non-links.

    Examples
    --------
    >>> import numpy as np
    >>> select(np.array([[1, 1, 0], [1, 0, 1], [0, 1, 0]]), "ch3_l3p", 2, seed=0).tolist()
    [[2, 0], [0, 2]]
    """
    check_form(form)
    reject_unclear(graph)
    draw = Draw.by_seed(k, seed, soft=soft)
    nodes = one_mode(graph)
    sides = nodes if nodes is not None else two_sided(graph)
    scorer, computation = find(predictor), Computation(form, device, check_dtype(dtype), progress)
    cells = choose_cells(sides, scorer, draw, computation)[0].numpy(force=True)
    if nodes is not None:
        return nodes.edges(cells)
    n_in = sides.shape[1]  # type: ignore[attr-defined]
    return np.column_stack([cells % n_in, cells // n_in])


def select_cells(
    graph: Scorable,
    predictor: str,
    k: int,
    field: RandomField,
    *,
    soft: bool,
    form: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | np.dtype | str | None = None,
    progress: bool = False,
    barred: Tensor | None = None,
) -> Tensor:
    """Choose k non-links with the draws of a random field; see `select`. Sorted barred cells are not chosen.

    Returns
    -------
    Tensor of int64, shape (k,)
        The chosen cells, ``output * n_in + input``, sorted; for a one-mode graph as defined by `Graph.n_cells`.
    """
    scorer, computation = find(predictor), Computation(form, device, check_dtype(dtype), progress)
    return choose_cells(graph, scorer, Draw(k, field, soft, barred), computation)[0]


def choose_cells(
    graph: Scorable, predictor: LinkPredictor | Baseline | None, draw: Draw, computation: Computation
) -> tuple[Tensor, Tensor]:
    """Choose non-links by a predictor, None for ``random``; return their sorted cells, and their scores.

    Links drawn at random, because too few have a positive score, have score 0.
    """
    if isinstance(predictor, Baseline):
        known = known_graph(graph, predictor, computation.form, computation.device)
        with _bar(predictor, known.shape[0], computation) as bar:
            return choose_by_baseline(known, predictor, draw, computation.dtype, bar.update)
    place = device_of(graph, computation.device)
    if isinstance(graph, Graph):
        reject_for_one_mode(computation.form, computation.device)
    elif place.type != "cpu" or computation.form == DENSE:
        reject_compiled_on(place, computation.form)
        mask = as_mask(graph, place, computation.dtype.itemsize, STREAM_IT)
        return _among_all(mask, predictor, draw, computation.dtype)
    elif not isinstance(graph, BipartiteGraph):
        graph = BipartiteGraph(graph)
    excluded = draw.excluded(torch.from_numpy(np.array(graph.cells)))
    draw.check(graph.n_cells - excluded.numel(), graph.n_cells)
    if predictor is None:
        return draw.at_random(graph.n_cells, excluded, computation.dtype)
    if isinstance(graph, Graph):
        pool = _pool_of(draw)
        with _bar(predictor, graph.n_nodes, computation) as bar:
            stream(graph, predictor, computation.dtype, pool, bar.update)
    else:
        form, links = prepare(graph, predictor, computation.dtype.itemsize, computation.form)
        if links is None:
            mask = as_mask(graph, "cpu", computation.dtype.itemsize, STREAM_IT)
            return _among_all(mask, predictor, draw, computation.dtype)
        tables = compiled_bytes((0, links.n_in), computation.dtype.itemsize, form, per_path=predictor.per_path)
        check_memory(tables, place, (links.n_out, links.n_in), STREAM_IT)
        pool = _pool_of_all(links, predictor, draw, replace(computation, form=form))
    return draw.by_scores(*pool.best(), graph.n_cells, excluded)


def _pool_of_all(links: TwoWayCsr, predictor: LinkPredictor, draw: Draw, computation: Computation) -> Pool:
    """Return a pool after offering it all candidates, in a stream or in blocks of scores."""
    pool = _pool_of(draw)
    offer = stream if computation.form == STREAM else _offer_blocks
    with _bar(predictor, links.n_out, computation) as bar:
        offer(links, predictor, computation.dtype, pool, bar.update, guesses=draw.barred is None)
    if not pool.is_short:
        return pool
    pool = _pool_of(draw)
    with _bar(predictor, links.n_out, computation) as bar:
        offer(links, predictor, computation.dtype, pool, bar.update, guesses=False)
    return pool


def _pool_of(draw: Draw) -> Pool:
    """Return an empty pool for a draw."""
    return Pool(int(draw.k), draw.field, draw.soft, draw.barred)


def _offer_blocks(
    links: TwoWayCsr,
    predictor: LinkPredictor,
    dtype: torch.dtype,
    pool: Pool,
    progress: Callable[[int], None],
    *,
    guesses: bool,
) -> None:
    """Do the same as `stream` with blocks of scores; with ``guesses``, the first block gives the pool its estimate."""
    compute = block_scores(links, predictor, dtype)
    step = max(BLOCK // links.n_in, 1)
    for first in range(0, links.n_out, step):
        rows = first, min(first + step, links.n_out)
        scores = compute(rows)
        if guesses and first == 0:
            pool.expect(scores.size, float(scores.sum()))
        offer_block(links, rows, scores, pool, dtype)
        progress(rows[1] - rows[0])


def _bar(predictor: LinkPredictor | Baseline, n_rows: int, computation: Computation) -> tqdm:
    bar: tqdm = progress_bar(total=n_rows, unit="row", desc=predictor.name, delay=2, disable=not computation.progress)
    return bar


def _among_all(mask: Tensor, predictor: LinkPredictor | None, draw: Draw, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Choose from the matrix of all scores, on its device."""
    excluded = draw.excluded(mask.flatten().nonzero().squeeze(1))
    draw.check(mask.numel() - excluded.numel(), mask.numel())
    if predictor is None:
        return draw.at_random(mask.numel(), excluded, dtype)
    scores = rounded(dense_scores(mask, predictor, dtype)).flatten()
    if draw.barred is not None:
        scores[draw.barred.to(scores.device)] = 0
    cells = scores.nonzero().squeeze(1)
    return draw.by_scores(cells, scores[cells], mask.numel(), excluded)
