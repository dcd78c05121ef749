r"""How the exponent :math:`T = \delta / (1 - \delta)` of eq. 2 changes as delta moves from its first to its last value.

A schedule is a function of the two deltas and of ``progress``, the share of the topology's evolution that is done.
"""

from collections.abc import Callable

from topolearn.registry import Registry

Softness = Callable[[tuple[float, float], float], float]


def linear_in_exponent(softness: tuple[float, float], progress: float) -> float:
    r"""Return an exponent that moves linearly between the exponents of the two deltas, as in the authors' programs.

    The paper's 0.5 and 0.75 give 1 and 3.

    Examples
    --------
    >>> linear_in_exponent((0.5, 0.75), 0.5)
    2.0
    """
    first, last = (delta / (1 - delta) for delta in softness)
    return first + (last - first) * progress


def linear_in_delta(softness: tuple[float, float], progress: float) -> float:
    r"""Return the exponent of a delta that moves linearly, another reading of the paper.

    Examples
    --------
    >>> linear_in_delta((0.5, 0.75), 0.5)  # delta = 0.625
    1.6666666666666667
    """
    first, last = softness
    delta = first + (last - first) * progress
    return delta / (1 - delta)


SOFTNESS_SCHEDULES: Registry[Softness] = Registry(
    "softness schedule", {"exponent": linear_in_exponent, "delta": linear_in_delta}
)
