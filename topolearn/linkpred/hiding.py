"""Hide links from a predictor, and choose the non-links to compare them with."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np
import torch
from numpy.typing import NDArray

from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.graph.one_mode.graph import Graph
from topolearn.linkpred.scoring import Known
from topolearn.sampling import RandomField, sample

UNIFORM, DEGREE = SAMPLINGS = ("uniform", "degree")


@dataclass(frozen=True)
class Hidden:
    """A graph without its hidden links, and the candidates that a predictor ranks.

    Attributes
    ----------
    left : BipartiteGraph or Graph
        The graph without the hidden links, as the predictor sees it.
    cells : array of int64, shape (n,)
        Hidden links and non-links, in order.
    is_link : array of bool, shape (n,)
        Which of them are hidden links.
    """

    left: Known
    cells: NDArray[np.int64]
    is_link: NDArray[np.bool_]


def hide(graph: Known, n_hidden: int, *, sampling: str, seed: int, repeat: int) -> Hidden:
    """Hide links drawn uniformly, and take all non-links or a sample by degree; see `topolearn.linkpred.evaluate`."""
    draws = RandomField(seed, update=repeat, purpose="hidden").uniform(torch.tensor(graph.cells)).numpy()
    order = np.argsort(draws, kind="stable")
    hidden, kept = graph.cells[order[:n_hidden]], graph.cells[order[n_hidden:]]
    is_other = np.ones(graph.n_cells, dtype=bool)
    is_other[graph.cells] = False
    others = np.flatnonzero(is_other)
    if sampling == DEGREE:
        others = _by_degree(graph, others, n_hidden, RandomField(seed, update=repeat, purpose="non-links"))
    cells = np.sort(np.concatenate([hidden, others]))
    return Hidden(_with_links(graph, kept), cells, ~is_other[cells])


def count_hidden(graph: Known, fraction: float) -> int:
    """Return the number of links to hide.

    Raises
    ------
    InvalidValueError
        For a fraction that hides no link or all of them, or a graph without non-links.
    """
    if not isinstance(fraction, Real) or not 0 < fraction < 1:
        raise InvalidValueError(f"fraction={fraction!r} must be a number in (0, 1)")
    if graph.n_links == graph.n_cells:
        raise InvalidValueError(
            f"all {graph.n_cells} possible links exist: a graph without non-links has nothing to predict"
        )
    n_hidden = round(float(fraction) * graph.n_links)
    if not 0 < n_hidden < graph.n_links:
        raise InvalidValueError(
            f"fraction={fraction} of {graph.n_links} links hides {n_hidden}: hide at least one, and leave one"
        )
    return n_hidden


def _by_degree(graph: Known, others: NDArray[np.int64], n: int, field: RandomField) -> NDArray[np.int64]:
    """Return n non-links, or all if there are fewer, drawn in proportion to the product of the degrees of their ends.

    The degrees are those of the whole graph, as the ends of a hidden link, which is any link, have them.
    """
    if isinstance(graph, Graph):
        i, j = graph.edges(others).T
        degrees = np.bincount(graph.edges().ravel(), minlength=graph.n_nodes)
        weights = degrees[i] * degrees[j]
    else:
        weights = graph.fan_in[others // graph.n_in] * graph.fan_out[others % graph.n_in]
    cells, scores = torch.from_numpy(others), torch.from_numpy(weights.astype(np.float64))
    return sample(cells, scores, min(n, others.size), field).numpy()


def _with_links(graph: Known, cells: NDArray[np.int64]) -> Known:
    """Return the graph with only the given links."""
    if isinstance(graph, Graph):
        return Graph.from_cells(cells, graph.n_nodes, names=graph.names)
    return BipartiteGraph.from_cells(
        cells, graph.n_in, graph.n_out, input_names=graph.input_names, output_names=graph.output_names
    )
