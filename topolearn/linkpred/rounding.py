"""Round scores before comparing them, so that those that differ only in the order of their sums are ties."""

import torch
from torch import Tensor

_SPLITTERS = {torch.float64: 2.0**20 + 1, torch.float32: 2.0**6 + 1}


def splitter(dtype: torch.dtype) -> float:
    """Return the constant c for which ``c * x - (c * x - x)`` has 20 bits fewer than a float64, or 6 than a float32."""
    return _SPLITTERS[dtype]


def rounded(scores: Tensor) -> Tensor:
    """Return scores with 33 significant bits (float64) or 18 (float32).

    The forms of a predictor give scores that differ only in the last bits. After rounding they are identical, so ties
    stay ties, and a draw does not depend on how the scores were computed.

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
