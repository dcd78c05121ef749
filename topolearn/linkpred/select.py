"""The best new links, or a sample of them, without the scores of all."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.graph.one_mode import OneModeGraph, one_mode
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred.catalogue import find
from topolearn.linkpred.compiled import block_scores, offer_block, prepare, stream
from topolearn.linkpred.dense import as_mask, dense_scores
from topolearn.linkpred.dense.device import check_dtype
from topolearn.linkpred.memory import check_memory, compiled_bytes
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.random import check_seed
from topolearn.linkpred.rounding import rounded
from topolearn.linkpred.scoring import (
    Scorable,
    check_form,
    device_of,
    refuse_compiled_on,
    refuse_for_one_mode,
    two_sided,
)
from topolearn.sampling import Pool, RandomField, choose, fill

BLOCK = 2**24  # scores that exist at a time


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
    """Choose k non-links of a graph by their scores, in memory proportional to its links and k.

    The choice is that of `topolearn.sampling.choose` among all scores: the k best, with ties broken at random, or a
    sample without replacement in proportion to the scores; and when fewer than k non-links have a positive score,
    the others are drawn uniformly. Scores that agree to 33 bits (18 in float32) are ties, so that the last digits of
    a sum do not decide: in float64 all forms make the same choice, in float32 nearly always, and any form makes the
    same choice on any number of threads.

    Parameters
    ----------
    graph : BipartiteGraph, scipy or numpy matrix, torch tensor, or networkx or igraph graph
        The links, as for `topolearn.linkpred.score`.
    predictor : str
        One of `topolearn.linkpred.names`; ``random`` draws uniformly.
    k : int
        How many links to choose.
    soft : bool
        Sample in proportion to the scores, instead of taking the best.
    seed : int, optional
        The same seed makes the same choice; None a fresh one.
    form, device, dtype : optional
        As for `topolearn.linkpred.score`. With the dense form, all scores exist at once.
    progress : bool
        Show a bar with an estimate, when it takes longer than two seconds.

    Returns
    -------
    numpy.ndarray of int64, shape (k, 2)
        The chosen links as rows (input, output), sorted by output; of a one-mode graph pairs of nodes (i, j), i < j,
        numbered in its order.

    Raises
    ------
    UnknownNameError, InvalidTypeError, InvalidValueError
        For an unknown predictor, what is no graph, or a k below 0 or above the number of non-links.

    Examples
    --------
    >>> import numpy as np
    >>> select(np.array([[1, 1, 0], [1, 0, 1], [0, 1, 0]]), "ch3_l3p", 2, seed=0).tolist()
    [[2, 0], [0, 2]]
    """
    check_form(form)
    field = RandomField(check_seed(seed), purpose="select")
    nodes = one_mode(graph)
    sides = nodes if nodes is not None else two_sided(graph)
    cells = select_cells(
        sides, predictor, k, field, soft=soft, form=form, device=device, dtype=dtype, progress=progress
    ).numpy(force=True)
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
    """Choose k non-links by the draws of a random field; see `select`. Barred cells, sorted, are not chosen.

    Returns
    -------
    Tensor of int64, shape (k,)
        The chosen cells, ``output * n_in + input``, sorted; of a one-mode graph as `OneModeGraph.n_cells` says.
    """
    return choose_cells(graph, predictor, k, field, soft, form, device, dtype, progress, barred)[0]


def choose_cells(
    graph: Scorable,
    predictor: str,
    k: int,
    field: RandomField,
    soft: bool,
    form: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | np.dtype | str | None = None,
    progress: bool = False,
    barred: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Choose k non-links as `select_cells` does; return their cells, sorted, and their scores (0 at random)."""
    found = find(predictor)
    number = check_dtype(dtype)
    place = device_of(graph, device)
    if isinstance(graph, OneModeGraph):
        refuse_for_one_mode(form, device)
    elif place.type != "cpu" or form == "dense":
        refuse_compiled_on(place, form)
        return _among_all(as_mask(graph, place, number.itemsize), found, k, field, soft, number, barred)
    elif not isinstance(graph, BipartiteGraph):
        graph = BipartiteGraph(graph)
    n_cells = graph.n_cells if isinstance(graph, OneModeGraph) else graph.n_in * graph.n_out
    known = _joined(torch.from_numpy(np.array(graph.cells)), barred)
    _check_k(k, n_cells - known.numel(), n_cells)
    if found is None:
        return _at_random(k, n_cells, known, field, number)
    pool = Pool(int(k), field, soft, barred)
    if isinstance(graph, OneModeGraph):
        with _bar(found, graph.n_nodes, progress) as bar:
            stream(graph, found, number, pool, bar.update)
    else:
        chosen, links = prepare(graph, found, number.itemsize, form)
        if links is None:
            return _among_all(as_mask(graph, "cpu", number.itemsize), found, k, field, soft, number, barred)
        tables = compiled_bytes((0, links.n_in), number.itemsize, chosen, found.per)
        check_memory(tables, place, (links.n_out, links.n_in))
        _offer_all(links, found, number, chosen, pool, progress)
    return _choose(*pool.best(), k, field, soft, n_cells, known)


def _offer_all(
    links: TwoWayCsr, predictor: LinkPredictor, number: torch.dtype, form: str, pool: Pool, progress: bool
) -> None:
    """Offer all candidates to a pool, in a stream or in blocks of scores."""
    with _bar(predictor, links.n_out, progress) as bar:
        if form == "stream":
            stream(links, predictor, number, pool, bar.update)
            return
        compute = block_scores(links, predictor, number)
        step = max(BLOCK // links.n_in, 1)
        for first in range(0, links.n_out, step):
            rows = first, min(first + step, links.n_out)
            offer_block(links, rows, compute(rows), pool, number)
            bar.update(rows[1] - rows[0])


def _bar(predictor: LinkPredictor, n_rows: int, progress: bool) -> tqdm:
    return tqdm(total=n_rows, unit="row", desc=predictor.name, delay=2, disable=not progress)


def _among_all(
    mask: Tensor, predictor: LinkPredictor | None, k: int, field: RandomField, soft: bool, number: torch.dtype,
    barred: Tensor | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Choose from the matrix of all scores, on its device."""
    links = _joined(mask.flatten().nonzero().squeeze(1), barred)
    _check_k(k, mask.numel() - links.numel(), mask.numel())
    if predictor is None:
        return _at_random(k, mask.numel(), links, field, number)
    scores = rounded(dense_scores(mask, predictor, number)).flatten()
    if barred is not None:
        scores[barred.to(scores.device)] = 0
    cells = scores.nonzero().squeeze(1)
    return _choose(cells, scores[cells], k, field, soft, mask.numel(), links)


def _joined(links: Tensor, barred: Tensor | None) -> Tensor:
    """Return the cells, sorted, that may not be chosen: links, and barred non-links."""
    return links if barred is None else torch.cat((links, barred.to(links.device))).sort().values


def _choose(
    cells: Tensor, scores: Tensor, k: int, field: RandomField, soft: bool, n_cells: int, links: Tensor
) -> tuple[Tensor, Tensor]:
    """Choose among candidates, and at random where they do not suffice."""
    chosen = choose(cells, scores, int(k), field, soft=soft, n_cells=n_cells, excluded=links)
    if not cells.numel():
        return chosen, scores.new_zeros(chosen.numel())
    cells, order = cells.sort()
    places = torch.searchsorted(cells, chosen).clamp_(max=cells.numel() - 1)
    return chosen, torch.where(cells[places] == chosen, scores[order][places], 0)


def _at_random(k: int, n_cells: int, links: Tensor, field: RandomField, number: torch.dtype) -> tuple[Tensor, Tensor]:
    """Choose uniformly, by the draws that `choose` makes for those that have no score."""
    chosen = fill(int(k), n_cells, links, replace(field, purpose=f"{field.purpose}, filled"))
    return chosen, torch.zeros(chosen.numel(), dtype=number, device=chosen.device)


def _check_k(k: int, n_free: int, n_cells: int) -> None:
    if isinstance(k, bool) or not isinstance(k, Integral):
        raise InvalidTypeError(f"k={k!r} must be an integer")
    if not 0 <= k <= n_free:
        raise InvalidValueError(
            f"k={k} links asked for, but {n_free} of {n_cells} pairs are non-links: k lies in 0..{n_free}"
        )
