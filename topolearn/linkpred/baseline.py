"""Link prediction baselines: scores of pairs from the neighbours of their ends, computed in blocks of rows.

Baselines are computed from the links, with scipy, on the CPU. They have neither the dense form nor the compiled forms
of predictors on paths of length three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.graph.door import reject_unclear
from topolearn.graph.one_mode.graph import Graph
from topolearn.linkpred.dense.device import check_dtype
from topolearn.linkpred.form_names import AUTO, SPARSE
from topolearn.linkpred.memory import check_memory
from topolearn.linkpred.scoring import Known, Scorable, check_form, device_of, known, reject_compiled_on

Rows = Callable[[sparse.csr_array, slice], NDArray[np.float64] | sparse.csr_array]

BLOCK = 2**22  # scores in memory at once
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Baseline:
    """A score of non-links to compare other predictors with.

    Attributes
    ----------
    name : str
        Its name in the registry.
    rows : callable
        ``rows(adjacency, chosen)`` returns the non-negative scores of the chosen rows (a slice) of the adjacency (a
        csr_array of float64), with all columns. Scores of links and of a node with itself are ignored.
    two_sides : bool
        Whether it also scores graphs with two sides, whose adjacency has shape (n_out, n_in). Baselines on paths of
        length two cannot, because such paths end on the side where they begin.
    """

    name: str
    rows: Rows
    two_sides: bool = False


def shared_neighbours(weight: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Rows:
    """Return the ``rows`` of a baseline that sums a weight over the shared neighbours of a pair, from their degrees."""

    def rows(adjacency: sparse.csr_array, chosen: slice) -> sparse.csr_array:
        weights = weight(np.diff(adjacency.indptr).astype(np.float64))
        return adjacency[chosen] @ sparse.diags_array(weights) @ adjacency

    return rows


def baseline_scores(
    graph: Scorable,
    baseline: Baseline,
    *,
    form: str = AUTO,
    device: torch.device | str | None = None,
    dtype: torch.dtype | np.dtype | str | None = None,
) -> NDArray[np.floating] | Tensor:
    """Score all non-links of a graph with a baseline; see `topolearn.linkpred.score`.

    Raises
    ------
    InvalidValueError
        For a form or a device that baselines do not support, or a graph with two sides if the baseline needs one side.
    """
    number = check_dtype(dtype)
    if isinstance(graph, Tensor) and graph.dim() == 3:
        if not len(graph):
            raise InvalidValueError(f"layers of shape {tuple(graph.shape)}: pass at least one layer")
        return torch.stack([torch.as_tensor(_scores_of_one(layer, baseline, form, device, number)) for layer in graph])
    reject_unclear(graph)
    return _scores_of_one(graph, baseline, form, device, number)


def _scores_of_one(
    graph: Scorable, baseline: Baseline, form: str, device: torch.device | str | None, number: torch.dtype
) -> NDArray[np.floating] | Tensor:
    read = known_graph(graph, baseline, form, device)
    check_memory(read.shape[0] * read.shape[1] * number.itemsize, CPU, read.shape)
    adjacency = read.to_scipy().astype(np.float64)
    scores = np.empty(read.shape, torch.empty(0, dtype=number).numpy().dtype)
    for rows in blocks_of(read):
        block = baseline.rows(adjacency, rows)
        scores[rows] = block.toarray() if sparse.issparse(block) else block
    scores[adjacency.nonzero()] = 0
    if isinstance(read, Graph):
        np.fill_diagonal(scores, 0)
    return torch.from_numpy(scores) if isinstance(graph, Tensor) else scores


def known_graph(graph: Scorable, baseline: Baseline, form: str, device: torch.device | str | None) -> Known:
    """Return the graph that a baseline scores, after checking that it can score it."""
    check_form(form)
    place = device_of(graph, device) if isinstance(graph, Tensor) or device is not None else CPU
    reject_compiled_on(place, form)
    if form not in (AUTO, SPARSE):
        raise InvalidValueError(f"form={form!r} is for paths of length three: use 'auto' for {baseline.name!r}")
    if place.type != "cpu":
        raise InvalidValueError(f"{baseline.name!r} runs on the CPU, not on {place}: pass device='cpu'")
    read = known(graph)
    if isinstance(read, BipartiteGraph) and not baseline.two_sides:
        raise InvalidValueError(
            f"{baseline.name!r} needs paths of length two, which never join the two sides of a graph: use a predictor "
            "on paths of length three, such as 'ra_l3' or 'ch3_l3p', or 'preferential_attachment'"
        )
    return read


def blocks_of(graph: Known) -> list[slice]:
    """Return the rows of a graph in blocks of at most `BLOCK` scores, but at least one row."""
    n_rows, n_columns = graph.shape
    step = max(BLOCK // n_columns, 1)
    return [slice(first, min(first + step, n_rows)) for first in range(0, n_rows, step)]
