"""What a link prediction baseline is: scores of pairs from the neighbours of their ends, a block of rows at a time.

Baselines are computed from the links, by scipy, on the CPU. They have no dense form and none of the forms compiled
for paths of length three.
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
from topolearn.graph.one_mode import Graph
from topolearn.linkpred.dense.device import check_dtype
from topolearn.linkpred.form_names import AUTO, SPARSE
from topolearn.linkpred.memory import check_memory
from topolearn.linkpred.scoring import Known, Scorable, check_form, device_of, known, refuse_compiled_on

Rows = Callable[[sparse.csr_array, slice], NDArray[np.float64] | sparse.csr_array]

BLOCK = 2**22  # scores that exist at a time
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Baseline:
    """A score of non-links that others are compared with.

    Attributes
    ----------
    name : str
        Its name in the registry.
    rows : callable
        ``rows(adjacency, chosen)``: the scores, at least 0, of some rows of the adjacency, a csr_array of float64,
        with all columns; what it gives links, and a node with itself, does not count.
    two_sides : bool
        Whether it also scores graphs with two sides, whose adjacency has shape (n_out, n_in). Paths of length two
        end on the side on which they begin, where no link can be.
    """

    name: str
    rows: Rows
    two_sides: bool = False


def shared_neighbours(weight: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Rows:
    """Return the rows of a baseline that adds up a weight, given its degree, of each neighbour that a pair shares."""

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
    """Score all non-links of a graph by a baseline; see `topolearn.linkpred.score`.

    Raises
    ------
    InvalidValueError
        For a form or a device that baselines do not have, or a graph with two sides where the baseline needs one.
    """
    number = check_dtype(dtype)
    if isinstance(graph, Tensor) and graph.dim() == 3:
        if not len(graph):
            raise InvalidValueError(f"layers of shape {tuple(graph.shape)}: pass one layer or more")
        each = [baseline_scores(layer, baseline, form=form, device=device, dtype=dtype) for layer in graph]
        return torch.stack([torch.as_tensor(scores) for scores in each])
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
    """Return the graph that a baseline scores, or refuse what it cannot score."""
    check_form(form)
    place = device_of(graph, device) if isinstance(graph, Tensor) or device is not None else CPU
    refuse_compiled_on(place, form)
    if form not in (AUTO, SPARSE):
        raise InvalidValueError(f"form={form!r} is for paths of length three: use 'auto' for {baseline.name!r}")
    if place.type != "cpu":
        raise InvalidValueError(f"{baseline.name!r} runs on the CPU, not on {place}: pass device='cpu'")
    read = known(graph)
    if isinstance(read, BipartiteGraph) and not baseline.two_sides:
        raise InvalidValueError(
            f"{baseline.name!r} needs paths of length two, and in a graph with two sides these end on the side on "
            "which they begin, where no link can be: use one on paths of length three, such as 'ra_l3' or 'ch3_l3p', "
            "or 'preferential_attachment'"
        )
    return read


def blocks_of(graph: Known) -> list[slice]:
    """Return the rows of a graph in blocks of at most so many scores, or of one row."""
    n_rows, n_columns = graph.shape
    step = max(BLOCK // n_columns, 1)
    return [slice(first, min(first + step, n_rows)) for first in range(0, n_rows, step)]
