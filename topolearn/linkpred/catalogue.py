"""All link predictors by name, and `score`, their common interface."""

import numpy as np
import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.linkpred.adamic_adar import ADAMIC_ADAR
from topolearn.linkpred.baseline import Baseline, baseline_scores
from topolearn.linkpred.cannistraci_hebb import CH1_L3, CH2_L3N, CH2_L3P, CH3_L3N, CH3_L3P, CH31_L3N
from topolearn.linkpred.common_neighbours import COMMON_NEIGHBOURS
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.preferential_attachment import PREFERENTIAL_ATTACHMENT
from topolearn.linkpred.ra_l3 import RA_L3
from topolearn.linkpred.random import random
from topolearn.linkpred.resource_allocation import RESOURCE_ALLOCATION
from topolearn.linkpred.scoring import Scorable, check_form, device_of, reject_compiled_on, scores_of
from topolearn.registry import Registry

RANDOM = "random"

PREDICTORS: Registry[LinkPredictor] = Registry(
    "link predictor",
    {each.name: each for each in (CH3_L3P, CH3_L3N, CH2_L3N, CH2_L3P, CH31_L3N, CH1_L3, RA_L3)},
)


BASELINES: Registry[Baseline] = Registry(
    "link prediction baseline",
    {each.name: each for each in (COMMON_NEIGHBOURS, ADAMIC_ADAR, RESOURCE_ALLOCATION, PREFERENTIAL_ATTACHMENT)},
)


def names(*, two_sides: bool = False) -> list[str]:
    """Return the names of the link predictors: those of `PREDICTORS` and `BASELINES`, and ``random``.

    With ``two_sides``, only those that score graphs with two sides.
    """
    baselines = [name for name, each in BASELINES.items() if each.two_sides or not two_sides]
    return [*PREDICTORS, *baselines, RANDOM]


def find(predictor: str) -> LinkPredictor | Baseline | None:
    """Return a link predictor or a baseline, None for ``random``; an unknown name raises with suggestions."""
    return Registry(PREDICTORS.kind, {**PREDICTORS, **BASELINES, RANDOM: None})[predictor]


def score(
    graph: Scorable,
    predictor: str,
    *,
    form: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | np.dtype | str | None = None,
    seed: int | None = None,
) -> np.ndarray | Tensor:
    """Score all non-links of a graph.

    Parameters
    ----------
    graph : BipartiteGraph, scipy or numpy matrix, torch tensor, or networkx or igraph graph
        The links. A matrix has shape (n_out, n_in); a tensor may hold several layers of the same shape,
        (n_layers, n_out, n_in). A networkx or igraph graph whose nodes have no side (the attribute ``bipartite``, or
        ``type`` in igraph) is a one-mode graph of n nodes.
    predictor : str
        One of `names`.
    form : {"auto", "dense", "sparse", "stream", "community"}
        How to compute the scores; all forms give the same scores. ``dense`` uses matrix products on any device. Two
        forms are compiled for the CPU and use as many threads as torch: ``stream`` walks along the links of each row,
        and ``community`` sums over whole local communities. ``sparse`` takes the cheaper of these two by the model of
        `topolearn.linkpred.compiled.cost`. ``auto`` takes the cheapest of all three, and ``dense`` on other devices.
        One-mode graphs and `BASELINES` have a single form, on the CPU: ``auto`` or ``sparse``.
    device : torch.device or str, optional
        Where to compute; by default the device of the tensor, else torch's default device.
    dtype : optional
        float32 or float64 (the default).
    seed : int, optional
        Only for ``random``: the same seed gives the same scores; None gives new ones on every call.

    Returns
    -------
    numpy.ndarray or Tensor, shape (n_out, n_in), (n_layers, n_out, n_in) or (n, n)
        The scores, 0 at links: a tensor if `graph` is one, else an array.

    Raises
    ------
    UnknownNameError
        When the predictor is unknown.
    InvalidValueError
        For an unknown form, or one that is not supported here; a matrix that is not an adjacency, or symmetric without
        links on its diagonal, so that it may be a one-mode network: pass ``Graph.from_adjacency(matrix)`` or
        ``BipartiteGraph(matrix)``; a seed for a
        deterministic predictor; a graph with two sides for a baseline on paths of length two; or a graph whose scores
        do not fit into memory.

    Examples
    --------
    >>> import numpy as np
    >>> score(np.array([[1, 0], [1, 1]]), "ch2_l3n")
    array([[0., 4.],
           [0., 0.]])
    """
    link_predictor = find(predictor)
    if link_predictor is None:
        check_form(form)
        reject_compiled_on(device_of(graph, device), form)
        return random(graph, seed=seed, device=device, dtype=dtype)
    if seed is not None:
        raise InvalidValueError(f"seed={seed}: {predictor!r} is deterministic; leave out seed, which is for {RANDOM!r}")
    if isinstance(link_predictor, Baseline):
        return baseline_scores(graph, link_predictor, form=form, device=device, dtype=dtype)
    return scores_of(graph, link_predictor, form=form, device=device, dtype=dtype)
