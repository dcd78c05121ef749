"""Every link predictor by name, and the one way to ask them."""

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
from topolearn.linkpred.scoring import Scorable, check_form, device_of, refuse_compiled_on, scores_of
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

    With ``two_sides``, those alone that score graphs with two sides.
    """
    baselines = [name for name, each in BASELINES.items() if each.two_sides or not two_sides]
    return [*PREDICTORS, *baselines, RANDOM]


def find(predictor: str) -> LinkPredictor | Baseline | None:
    """Return a link predictor or a baseline, None for ``random``; the error for another name suggests the nearest."""
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
        The links: a matrix has shape (n_out, n_in), and a tensor may hold several layers of one shape,
        (n_layers, n_out, n_in). A networkx or igraph graph whose nodes have no side (the attribute ``bipartite``, or
        ``type`` in igraph) is a one-mode graph of n nodes.
    predictor : str
        One of `names`.
    form : {"auto", "dense", "sparse", "stream", "community"}
        How the scores are computed; all forms give the same. ``dense`` uses matrix products on any device. Two
        forms are compiled for the CPU and run on as many threads as torch uses: ``stream`` walks along the links of
        each row, ``community`` adds up whole local communities. ``sparse`` takes the cheaper of these by the model of
        `topolearn.linkpred.compiled.cost`, ``auto`` the cheapest of all three, and ``dense`` off the CPU. For one-mode
        graphs and for `BASELINES` there is one form, on the CPU: ``auto`` or ``sparse``.
    device : torch.device or str, optional
        Where to compute; default the tensor's device, else the CPU.
    dtype : optional
        float32 or float64 (the default).
    seed : int, optional
        For ``random`` only: the same seed gives the same scores; None draws fresh ones.

    Returns
    -------
    numpy.ndarray or Tensor, shape (n_out, n_in), (n_layers, n_out, n_in) or (n, n)
        The scores, 0 at links: a tensor for a tensor, an array for anything else.

    Raises
    ------
    UnknownNameError
        When no predictor has that name.
    InvalidValueError
        For an unknown form, or one that cannot be used here; a matrix that is not an adjacency; a seed for a predictor
        that draws nothing; a graph with two sides for a baseline on paths of length two; or a graph whose scores do
        not fit into memory.

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
        refuse_compiled_on(device_of(graph, device), form)
        return random(graph, seed=seed, device=device, dtype=dtype)
    if seed is not None:
        raise InvalidValueError(f"seed={seed}: {predictor!r} draws nothing, only {RANDOM!r} does; leave seed out")
    if isinstance(link_predictor, Baseline):
        return baseline_scores(graph, link_predictor, form=form, device=device, dtype=dtype)
    return scores_of(graph, link_predictor, form=form, device=device, dtype=dtype)
