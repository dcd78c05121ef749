"""Equal scores: the expectation over random ways to break their ties."""

import numpy as np
from numpy.typing import NDArray


def precision_at(k: int, is_hit: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Return the expected share of hits among the k best scores if ties are broken at random.

    Examples
    --------
    >>> precision_at(2, np.array([True, False, True, False]), np.array([3.0, 1.0, 1.0, 0.0]))
    0.75
    """
    threshold = np.partition(scores, -k)[-k]
    above, tied = scores > threshold, scores == threshold
    of_tied = (k - np.count_nonzero(above)) * np.count_nonzero(is_hit & tied) / np.count_nonzero(tied)
    return float((np.count_nonzero(is_hit & above) + of_tied) / k)
