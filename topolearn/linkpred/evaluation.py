"""Evaluate link predictors: hide links, and compare their scores with those of true non-links."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import Graph
from topolearn.graph.door import reject_unclear
from topolearn.linkpred.baseline import Baseline, known_graph
from topolearn.linkpred.catalogue import RANDOM, find, score
from topolearn.linkpred.form_names import AUTO
from topolearn.linkpred.hiding import SAMPLINGS, UNIFORM, count_hidden, hide
from topolearn.linkpred.random import check_seed
from topolearn.linkpred.rounding import rounded
from topolearn.linkpred.scoring import Known, Scorable, known
from topolearn.sampling import RandomField
from topolearn.sampling.ties import precision_at

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-5  # share by which scores in float32 may differ between both directions
Predictor = str | Callable[[Known], np.ndarray | torch.Tensor]


def evaluate(
    graph: Scorable,
    predictors: Predictor | Iterable[Predictor],
    *,
    fraction: float = 0.1,
    repeats: int = 10,
    sampling: str = UNIFORM,
    seed: int | None = 0,
) -> pd.DataFrame:
    r"""Hide random links of a graph, score the non-links of the rest, and measure how the hidden links rank.

    Parameters
    ----------
    graph : BipartiteGraph, scipy or numpy matrix, torch tensor, or networkx or igraph graph
        The links, as for `topolearn.linkpred.score`.
    predictors : str or callable, or a list of these
        Each is one of `names`, or a function that takes a `BipartiteGraph` (or a `Graph`, for a one-mode graph) and
        returns scores of its shape; higher scores mean likelier links, and only scores at non-links count. Those of a
        `Graph` must be symmetric. All predictors get the same hidden links.
    fraction : float
        Share of the links to hide, in (0, 1).
    repeats : int
        Number of repeats; each hides different links.
    sampling : {"uniform", "degree"}
        Which true non-links to compare hidden links with. ``"uniform"`` takes all of them. ``"degree"`` draws as many
        as there are hidden links, without replacement, in proportion to the product :math:`d_u d_v` of the degrees of
        their ends in the whole graph. A random link has ends with such degrees, so degrees alone score well against
        all non-links (as ``preferential_attachment`` shows), but not against these.
    seed : int, optional
        The same seed hides the same links, whatever the predictors; None hides new ones on every call.

    Returns
    -------
    pandas.DataFrame
        One row for each predictor and repeat. ``predictor`` is its name, or that of the function; ``repeat`` counts
        from 0. ``auc_roc`` is the probability that a hidden link scores higher than a true non-link (equal scores count
        half; those of named predictors are equal if they agree to 33 bits, as in `topolearn.linkpred.select`, so that
        rounding errors do not matter). ``auc_pr`` is the average precision :math:`\sum_t (R_t - R_{t-1}) P_t` over the
        thresholds t between different scores. ``precision`` is the share of hidden links among the k best, where k is
        their number ``n_hidden``, in expectation over random tie-breaking. An uninformed predictor has an ``auc_roc``
        of 0.5; its other two measures are close to the share of hidden links among the candidates, which is 0.5 for
        ``sampling="degree"``.

    Raises
    ------
    UnknownNameError, InvalidTypeError, InvalidValueError
        For an unknown predictor, one that does not support the graph, or two with the same name; scores that are not
        numbers, have another shape, or are not symmetric for a one-mode graph; a matrix that may be a one-mode network
        or a layer; a fraction that hides no link or all of them; repeats below 1; an unknown sampling; or a graph
        without non-links.

    References
    ----------
    Lu, Zhou (2011), "Link prediction in complex networks: a survey"; Muscoloni, Cannistraci (2022), "Early retrieval
    problem and link prediction evaluation via the area under the magnified ROC", on the importance of precision;
    Aiyappa et al. (2024), "Implicit degree bias in the link prediction task", on non-links drawn by degree.

    Examples
    --------
    >>> from topolearn.generators import bipartite_small_world
    >>> lattice = bipartite_small_world(40, 40, 0.2, beta=0, seed=0)
    >>> table = evaluate(lattice, ["ch3_l3p", "preferential_attachment"], repeats=2)
    >>> table.columns.tolist()
    ['predictor', 'repeat', 'auc_roc', 'auc_pr', 'precision', 'n_hidden']
    >>> table.groupby("predictor")["auc_roc"].mean().gt(0.9).to_dict()
    {'ch3_l3p': True, 'preferential_attachment': False}
    """
    import pandas as pd

    reject_unclear(graph)
    read = known(graph)
    named = _named(predictors, read)
    n_hidden = count_hidden(read, fraction)
    if isinstance(repeats, bool) or not isinstance(repeats, int | np.integer) or repeats < 1:
        raise InvalidValueError(f"repeats={repeats!r} must be an integer of at least 1")
    if sampling not in SAMPLINGS:
        raise InvalidValueError(f"sampling={sampling!r} must be one of {', '.join(map(repr, SAMPLINGS))}")
    seed = check_seed(seed)
    rows: dict[str, list[dict[str, str | float]]] = {name: [] for name in named}
    for repeat in range(int(repeats)):
        hidden = hide(read, n_hidden, sampling=sampling, seed=seed, repeat=repeat)
        own_seed = RandomField(seed, update=repeat, purpose="predictor").integer
        for name, predictor in named.items():
            scores = _scores(hidden.left, name, predictor, own_seed)[hidden.cells]
            if not np.isfinite(scores).all():
                raise InvalidValueError(f"predictor {name} returned scores that are not finite numbers at non-links")
            if isinstance(predictor, str):  # sums in another order must stay ties
                scores = rounded(torch.from_numpy(scores)).numpy()
            measures = _measures(hidden.is_link, scores, n_hidden)
            rows[name].append({"predictor": name, "repeat": repeat, **measures, "n_hidden": n_hidden})
    return pd.DataFrame([row for of_one in rows.values() for row in of_one])


def _named(predictors: Predictor | Iterable[Predictor], graph: Known) -> dict[str, Predictor]:
    """Return the predictors by name, after checking that they support this graph."""
    if isinstance(predictors, str) or callable(predictors) or not isinstance(predictors, Iterable):
        predictors = [predictors]
    named: dict[str, Predictor] = {}
    for predictor in predictors:
        if isinstance(predictor, str):
            row, name = find(predictor), predictor
            if isinstance(row, Baseline):
                known_graph(graph, row, AUTO, None)
        elif callable(predictor):
            name = getattr(predictor, "__name__", type(predictor).__name__)
        else:
            raise InvalidTypeError(f"predictor={predictor!r} must be a name or a function of a BipartiteGraph or Graph")
        if name in named:
            raise InvalidValueError(f"two predictors are named {name!r}: give each a unique name")
        named[name] = predictor
    if not named:
        raise InvalidValueError("predictors is empty: pass at least one name, such as ['ch3_l3p', 'random']")
    return named


def _scores(graph: Known, name: str, predictor: Predictor, seed: int) -> np.ndarray:
    """Return the scores of all cells as a flat float64 array, after checking the result of a function."""
    if isinstance(predictor, str):
        answer = score(graph, predictor, seed=seed if predictor == RANDOM else None)
    else:
        answer = predictor(graph)
    try:
        scores = np.asarray(answer.detach().cpu() if isinstance(answer, torch.Tensor) else answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidTypeError(f"predictor {name} returned a {type(answer).__name__}, not an array of scores") from None
    if scores.shape != graph.shape:
        raise InvalidValueError(
            f"predictor {name} returned scores of shape {scores.shape} for a graph of shape {graph.shape}"
        )
    if not isinstance(graph, Graph):
        return scores.ravel()
    i, j = np.triu_indices(graph.n_nodes, 1)  # in the order of cells
    if callable(predictor):
        _reject_asymmetric(scores, np.delete(np.column_stack([i, j]), graph.cells, axis=0), name)
    return scores[i, j]


def _reject_asymmetric(scores: np.ndarray, pairs: np.ndarray, name: str) -> None:
    """Raise an error if the scores of some pairs of nodes differ, beyond rounding errors, between both directions."""
    i, j = pairs.T
    there, back = scores[i, j], scores[j, i]
    most = np.abs(there[np.isfinite(there)]).max(initial=0)
    differs = ~np.isclose(there, back, rtol=ROUNDING, atol=ROUNDING * most, equal_nan=True)
    if differs.any():
        k = int(differs.argmax())
        raise InvalidValueError(
            f"predictor {name} returned scores[{i[k]}, {j[k]}] = {there[k]:g} but scores[{j[k]}, {i[k]}] = "
            f"{back[k]:g}: scores of a one-mode graph must be symmetric; return scores + scores.T, for example"
        )


def _measures(is_hidden: np.ndarray, scores: np.ndarray, n_hidden: int) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "auc_roc": float(roc_auc_score(is_hidden, scores)),
        "auc_pr": float(average_precision_score(is_hidden, scores)),
        "precision": precision_at(n_hidden, is_hidden, scores),
    }
