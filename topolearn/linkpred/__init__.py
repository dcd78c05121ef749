"""How a missing link is scored: Cannistraci-Hebb predictors on the paths of length three of a bipartite graph.

Each predictor scores all non-links of a graph; links score 0. The adjacency may be a `BipartiteGraph`, a scipy or
numpy matrix, or a torch mask, of shape (n_out, n_in).
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.linkpred.ch2_l3n import ch2_l3n_dense
from topolearn.linkpred.dense import AdjacencyLike, as_mask, check_dtype, exact_products
from topolearn.registry import Registry

__all__ = ["PREDICTORS", "ch2_l3n", "names", "score"]

PREDICTORS: Registry[Callable[[Tensor], Tensor]] = Registry(
    "link predictor",
    {
        "ch2_l3n": ch2_l3n_dense,
    },
)


def names() -> list[str]:
    """Return the names of the link predictors."""
    return list(PREDICTORS)


def score(
    adjacency: AdjacencyLike,
    predictor: str,
    *,
    form: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | np.dtype | str | None = None,
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

    Returns
    -------
    numpy.ndarray or Tensor, shape (n_out, n_in)
        The scores, 0 at links: a tensor for a tensor, an array for anything else.

    Raises
    ------
    UnknownNameError
        When no predictor has that name.
    InvalidValueError
        For an unknown form, or a matrix that is no adjacency.

    Examples
    --------
    >>> import numpy as np
    >>> score(np.array([[1, 0], [1, 1]]), "ch2_l3n")
    array([[0., 4.],
           [0., 0.]])
    """
    compute = PREDICTORS[predictor]
    if form not in ("auto", "dense"):
        raise InvalidValueError(f"form={form!r} of {predictor!r} is not available: use 'auto' or 'dense'")
    mask = as_mask(adjacency, device)
    with exact_products(mask.device):
        scores = compute(mask.to(check_dtype(dtype))).masked_fill_(mask, 0)
    return scores if isinstance(adjacency, Tensor) else scores.cpu().numpy()


def ch2_l3n(adjacency: AdjacencyLike) -> np.ndarray | Tensor:
    """Score all non-links by CH2-L3n (eq. 5), in float64; see `topolearn.linkpred.ch2_l3n.ch2_l3n_dense`.

    Examples
    --------
    >>> import numpy as np
    >>> ch2_l3n(np.array([[1, 0], [1, 1]]))[0, 1]
    np.float64(4.0)
    """
    return score(adjacency, "ch2_l3n")
