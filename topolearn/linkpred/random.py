"""The baseline: a score that knows nothing of the graph."""

from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.linkpred.node_based import blocks
from topolearn.sampling import RandomField

BLOCK = 2**22  # cells drawn at a time


def check_seed(seed: int | None) -> int:
    """Return the seed as an integer, a fresh one for None.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is no integer, or negative.
    """
    if seed is None:
        return int(np.random.default_rng().integers(2**62))
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise InvalidTypeError(f"seed={seed!r} must be an integer or None")
    if seed < 0:
        raise InvalidValueError(f"seed={seed} must be at least 0")
    return int(seed)


def random_dense(adjacency: Tensor, seed: int | None = None) -> Tensor:
    """Score every cell of one layer by a draw of U(0, 1] from the random field of the seed.

    Parameters
    ----------
    adjacency : Tensor of a floating dtype, shape (n_out, n_in)
        Only its shape, dtype and device matter.
    seed : int, optional
        The same seed gives the same scores on any device; None draws fresh ones.

    Returns
    -------
    Tensor, shape (n_out, n_in)
        The scores.
    """
    field = RandomField(check_seed(seed), purpose="random")
    scores = torch.empty_like(adjacency, memory_format=torch.contiguous_format)
    flat = scores.view(-1)
    for part in blocks(flat.numel(), 1, BLOCK):
        flat[part] = field.uniform(torch.arange(part.start, part.stop, device=flat.device)).to(flat.dtype)
    return scores
