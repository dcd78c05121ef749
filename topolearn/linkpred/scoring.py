"""Every link predictor by name, and the one way to ask them."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.linkpred.ch1_l3 import ch1_l3_dense
from topolearn.linkpred.ch2_l3n import ch2_l3n_dense
from topolearn.linkpred.ch2_l3p import ch2_l3p_dense
from topolearn.linkpred.ch3_l3n import ch3_l3n_dense
from topolearn.linkpred.ch3_l3p import ch3_l3p_dense
from topolearn.linkpred.ch31_l3n import ch31_l3n_dense
from topolearn.linkpred.dense import AdjacencyLike, as_mask, check_dtype, exact_products
from topolearn.linkpred.ra_l3 import ra_l3_dense
from topolearn.linkpred.random import check_seed, random_dense
from topolearn.registry import Registry

BASELINE = "random"
FORMS = ("auto", "dense")

PREDICTORS: Registry[Callable[[Tensor], Tensor]] = Registry(
    "link predictor",
    {
        "ch3_l3p": ch3_l3p_dense,
        "ch3_l3n": ch3_l3n_dense,
        "ch2_l3n": ch2_l3n_dense,
        "ch2_l3p": ch2_l3p_dense,
        "ch31_l3n": ch31_l3n_dense,
        "ch1_l3": ch1_l3_dense,
        "ra_l3": ra_l3_dense,
    },
)
_NAMED = Registry(PREDICTORS.kind, {**PREDICTORS, BASELINE: random_dense})


def names() -> list[str]:
    """Return the names of the link predictors: those of `PREDICTORS`, and the baseline ``random``."""
    return list(_NAMED)


def check_name(predictor: str) -> None:
    """Refuse a name of no link predictor; the error suggests the nearest."""
    _NAMED[predictor]


def score(
    adjacency: AdjacencyLike,
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
    adjacency : BipartiteGraph, scipy sparse matrix, numpy array or torch tensor, shape (n_out, n_in)
        The links.
    predictor : str
        One of `names`.
    form : {"auto", "dense"}
        How the scores are computed; the dense form uses matrix products.
    device : torch.device or str, optional
        Where to compute; default the tensor's device, else the CPU.
    dtype : optional
        float32 or float64 (the default).
    seed : int, optional
        For ``random`` only: the same seed gives the same scores; None draws fresh ones.

    Returns
    -------
    numpy.ndarray or Tensor, shape (n_out, n_in)
        The scores, 0 at links: a tensor for a tensor, an array for anything else.

    Raises
    ------
    UnknownNameError
        When no predictor has that name.
    InvalidValueError
        For an unknown form, a matrix that is no adjacency, a seed for a predictor that draws nothing, or a graph
        whose dense form does not fit into memory.

    Examples
    --------
    >>> import numpy as np
    >>> score(np.array([[1, 0], [1, 1]]), "ch2_l3n")
    array([[0., 4.],
           [0., 0.]])
    """
    compute: Callable[[Tensor], Tensor] = _NAMED[predictor]
    if form not in FORMS:
        raise InvalidValueError(f"form={form!r} of {predictor!r} is not available: use 'auto' or 'dense'")
    if predictor == BASELINE:
        compute = partial(random_dense, seed=check_seed(seed))
    elif seed is not None:
        raise InvalidValueError(f"seed={seed}: {predictor!r} draws nothing, only {BASELINE!r} does; leave seed out")
    number = check_dtype(dtype)
    mask = as_mask(adjacency, device, number.itemsize)
    with exact_products(mask.device):
        scores = compute(mask.to(number)).masked_fill_(mask, 0)
    return scores if isinstance(adjacency, Tensor) else scores.cpu().numpy()
