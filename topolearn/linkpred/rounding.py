"""Scores that differ only by the order of their sums are equal: they are rounded before one is preferred to another."""

import torch
from torch import Tensor

_SPLITTERS = {torch.float64: 2.0**20 + 1, torch.float32: 2.0**6 + 1}


def splitter(dtype: torch.dtype) -> float:
    """Return the constant c by which ``c * x - (c * x - x)`` has 20 bits less than a float64, or 6 than a float32."""
    return _SPLITTERS[dtype]


def rounded(scores: Tensor) -> Tensor:
    """Return scores with 33 significant bits (float64) or 18 (float32).

    All forms of a predictor give the same scores but for the last bits, and after this the very same ones, so that
    ties are ties and a draw does not depend on how the scores were computed.

    References
    ----------
    Dekker (1971), "A floating-point technique for extending the available precision".

    Examples
    --------
    >>> rounded(torch.tensor([0.1 + 0.2, 0.3], dtype=torch.float64)).unique().numel()
    1
    """
    stretched = scores * splitter(scores.dtype)
    return stretched - (stretched - scores)
