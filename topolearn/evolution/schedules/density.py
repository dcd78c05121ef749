"""How the density falls from its initial to its final value.

A schedule is a function g of ``u``, the share of the decay that is done, from 0 to 1; the density is
``start - (start - end) * g(u)``. The paper writes the same for the sparsity, 1 - density.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from topolearn.registry import Registry

STEEPNESS = 6.0  # k of eq. 7
COMPARED = "cubic"  # the schedule whose cost `match_flops` keeps


@dataclass(frozen=True)
class DensitySchedule:
    """How the density falls.

    Attributes
    ----------
    share : callable
        g: the share of the total decrease that is reached after a share u of the decay; g(0) = 0 and g(1) = 1.
    area : float
        Integral of 1 - g over [0, 1]: the cost of the decay beyond training at the final density, relative to keeping
        the initial surplus of links for the length of the decay.
    falls : bool
        Whether the density falls at all.
    keeps_dates : bool
        Whether its shares are those of the planned decay, although the last update may be before the end of it.
    surplus : float or None
        Initial minus final density if a method gives no ``start_density``; None if a method must give it.
    """

    share: Callable[[float], float]
    area: float
    falls: bool = True
    surplus: float | None = None
    keeps_dates: bool = False


def constant(u: float) -> float:
    """Return 1: the density always has its final value."""
    return 1.0


def cubic(u: float) -> float:
    r"""Return :math:`1 - (1 - u)^3` (eq. 6): most links are pruned early.

    References
    ----------
    Zhu, Gupta (2017), "To prune, or not to prune".

    Examples
    --------
    >>> cubic(0.5)
    0.875
    """
    return 1 - (1 - u) ** 3


def sigmoid(u: float) -> float:
    r"""Return a normalised sigmoid (eq. 7): slow at the start, fast in the middle, slow at the end.

    .. math:: g(u) = \frac{\sigma(k (2u - 1)) - 1/2}{\sigma(k) - \sigma(-k)} + \frac{1}{2}, \quad k = 6

    As printed, eq. 7 runs backwards, is centred elsewhere and misses both ends; this is what the authors compute.

    References
    ----------
    Zhang et al., Cannistraci-Hebb training soft rule, for CHTss.

    Examples
    --------
    >>> [round(sigmoid(u), 4) for u in (0, 0.25, 0.5, 0.75, 1)]
    [0.0, 0.0452, 0.5, 0.9548, 1.0]
    """
    low, here, high = (1 / (1 + math.exp(-STEEPNESS * x)) for x in (-1, 2 * u - 1, 1))
    return (here - 0.5) / (high - low) + 0.5


def soft_bound(u: float) -> float:
    """Return the two stages of MEST's soft memory bound: all of the surplus, then half of it, and none at the end.

    The second stage starts after 60 % of the decay.

    References
    ----------
    Yuan et al. (2021), "MEST", NeurIPS, for elastic mutation and soft memory bound (EM&S).

    Examples
    --------
    >>> [soft_bound(u) for u in (0.6, 0.61, 0.99, 1)]
    [0.0, 0.5, 0.5, 1.0]
    """
    if u <= 0.6 + 1e-9:
        return 0.0
    return 0.5 if u < 1 else 1.0


def one_shot(u: float) -> float:
    """Return 0 until the decay ends, and then 1: all surplus links are pruned at once.

    Examples
    --------
    >>> one_shot(0.99), one_shot(1)
    (0.0, 1.0)
    """
    return 1.0 if u >= 1 else 0.0


DENSITY_SCHEDULES: Registry[DensitySchedule] = Registry(
    "density schedule",
    {
        "constant": DensitySchedule(constant, 0.0, falls=False),
        COMPARED: DensitySchedule(cubic, 0.25),
        "sigmoid": DensitySchedule(sigmoid, 0.5),
        "em_s": DensitySchedule(soft_bound, 0.8, surplus=0.05, keeps_dates=True),
        "one_shot": DensitySchedule(one_shot, 1.0),
    },
)
