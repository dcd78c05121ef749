"""How good a link predictor is: links are hidden, and their scores compared with those of true non-links."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.graph.one_mode import Graph, one_mode
from topolearn.linkpred.catalogue import BASELINE, find, score
from topolearn.linkpred.random import check_seed
from topolearn.linkpred.scoring import Scorable, two_sided
from topolearn.sampling import RandomField

if TYPE_CHECKING:
    import pandas as pd

Known = BipartiteGraph | Graph
Predictor = str | Callable[[Known], np.ndarray | torch.Tensor]


def evaluate(
    graph: Scorable,
    predictor: Predictor,
    *,
    fraction: float = 0.1,
    repeats: int = 10,
    seed: int | None = None,
) -> pd.DataFrame:
    r"""Hide links of a graph at random, score all non-links of what is left, and see how the hidden ones rank.

    Parameters
    ----------
    graph : BipartiteGraph, scipy or numpy matrix, torch tensor, or networkx or igraph graph
        The links, as for `topolearn.linkpred.score`.
    predictor : str or callable
        One of `names`, or a function that takes a `BipartiteGraph` (a `Graph` of a one-mode graph) and returns
        scores of its shape, the higher the likelier a link; only its scores at non-links count.
    fraction : float
        Share of the links that is hidden, in (0, 1).
    repeats : int
        How many times; each hides other links.
    seed : int, optional
        The same seed hides the same links, whatever the predictor; None hides fresh ones.

    Returns
    -------
    pandas.DataFrame
        A row for each repeat. ``auc_pr`` is the average precision :math:`\sum_t (R_t - R_{t-1}) P_t` over the
        thresholds t between different scores, ``auc_roc`` the probability that a hidden link scores above a true
        non-link (half for equal scores), ``precision`` the share of hidden links among the k best, where k is their
        number ``n_hidden``: its expectation when ties are broken at random. A predictor that knows nothing has
        ``auc_roc`` 0.5, and both others near the share of hidden links among the candidates.

    Raises
    ------
    UnknownNameError, InvalidTypeError, InvalidValueError
        For an unknown predictor, scores that are no numbers or of another shape, a fraction that hides no link or all
        of them, repeats below 1, or a graph without non-links.

    References
    ----------
    Lu, Zhou (2011), "Link prediction in complex networks: a survey"; Muscoloni, Cannistraci (2022), "Early retrieval
    problem and link prediction evaluation via the area under the magnified ROC", on why precision comes first.

    Examples
    --------
    >>> from topolearn.generators import bipartite_small_world
    >>> lattice = bipartite_small_world(40, 40, 0.2, beta=0, seed=0)
    >>> evaluate(lattice, "ch3_l3p", repeats=2, seed=0).columns.tolist()
    ['auc_pr', 'auc_roc', 'precision', 'n_hidden']
    >>> bool(evaluate(lattice, "ch3_l3p", repeats=2, seed=0)["auc_roc"].mean() > 0.9)
    True
    """
    import pandas as pd

    nodes = one_mode(graph)
    sides = nodes if nodes is not None else two_sided(graph)
    known = sides if isinstance(sides, BipartiteGraph | Graph) else BipartiteGraph(sides)
    n_hidden = _count(known, fraction)
    if isinstance(repeats, bool) or not isinstance(repeats, int | np.integer) or repeats < 1:
        raise InvalidValueError(f"repeats={repeats!r} must be an integer of at least 1")
    if isinstance(predictor, str):
        find(predictor)
    elif not callable(predictor):
        raise InvalidTypeError(f"predictor={predictor!r} must be a name or a function of a BipartiteGraph")
    seed = check_seed(seed)
    rows = [_once(known, predictor, n_hidden, seed, repeat) for repeat in range(int(repeats))]
    return pd.DataFrame(rows, index=pd.RangeIndex(int(repeats), name="repeat"))


def _count(graph: Known, fraction: float) -> int:
    """Return how many links to hide, or refuse."""
    if not isinstance(fraction, int | float | np.number) or not 0 < fraction < 1:
        raise InvalidValueError(f"fraction={fraction!r} must be a number in (0, 1)")
    n_cells = _n_cells(graph)
    if graph.n_links == n_cells:
        raise InvalidValueError(f"all {n_cells} possible links exist: a graph without non-links has nothing to predict")
    n_hidden = round(float(fraction) * graph.n_links)
    if not 0 < n_hidden < graph.n_links:
        raise InvalidValueError(
            f"fraction={fraction} of {graph.n_links} links hides {n_hidden}: hide at least one, and leave one"
        )
    return n_hidden


def _once(graph: Known, predictor: Predictor, n_hidden: int, seed: int, repeat: int) -> dict[str, float]:
    """Hide links, score what is left, and measure."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    draws = RandomField(seed, update=repeat, purpose="hidden").uniform(torch.tensor(graph.cells)).numpy()
    order = np.argsort(draws, kind="stable")
    hidden, kept = graph.cells[order[:n_hidden]], graph.cells[order[n_hidden:]]
    left = _with_links(graph, kept)
    scores = _scores(left, predictor, RandomField(seed, update=repeat, purpose="predictor").integer)
    candidate = np.ones(scores.size, dtype=bool)
    candidate[kept] = False
    is_hidden = np.zeros(scores.size, dtype=bool)
    is_hidden[hidden] = True
    scores, is_hidden = scores[candidate], is_hidden[candidate]
    if not np.isfinite(scores).all():
        raise InvalidValueError("predictor gave scores that are no finite numbers at non-links")
    return {
        "auc_pr": float(average_precision_score(is_hidden, scores)),
        "auc_roc": float(roc_auc_score(is_hidden, scores)),
        "precision": _precision(is_hidden, scores, n_hidden),
        "n_hidden": n_hidden,
    }


def _n_cells(graph: Known) -> int:
    return graph.n_cells if isinstance(graph, Graph) else graph.n_in * graph.n_out


def _with_links(graph: Known, cells: np.ndarray) -> Known:
    """Return the graph with the links of some cells only."""
    if isinstance(graph, Graph):
        return Graph.from_cells(cells, graph.n_nodes, names=graph.names)
    return BipartiteGraph.from_cells(
        cells, graph.n_in, graph.n_out, input_names=graph.input_names, output_names=graph.output_names
    )


def _scores(graph: Known, predictor: Predictor, seed: int) -> np.ndarray:
    """Return the scores of all cells, one after another, as float64; a function's answer is checked."""
    if isinstance(predictor, str):
        answer = score(graph, predictor, seed=seed if predictor == BASELINE else None)
    else:
        answer = predictor(graph)
    try:
        scores = np.asarray(answer.detach().cpu() if isinstance(answer, torch.Tensor) else answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidTypeError(f"predictor gave a {type(answer).__name__}, not an array of scores") from None
    if scores.shape != graph.shape:
        raise InvalidValueError(f"predictor gave scores of shape {scores.shape} for a graph of shape {graph.shape}")
    return scores[np.triu_indices(graph.n_nodes, 1)] if isinstance(graph, Graph) else scores.ravel()


def _precision(is_hidden: np.ndarray, scores: np.ndarray, k: int) -> float:
    """Return the expected share of hidden links among the k best, when ties are broken at random.

    Examples
    --------
    >>> _precision(np.array([True, False, True, False]), np.array([3.0, 1.0, 1.0, 0.0]), 2)
    0.75
    """
    threshold = np.partition(scores, -k)[-k]
    above, tied = scores > threshold, scores == threshold
    of_tied = (k - np.count_nonzero(above)) * np.count_nonzero(is_hidden & tied) / np.count_nonzero(tied)
    return float((np.count_nonzero(is_hidden & above) + of_tied) / k)
