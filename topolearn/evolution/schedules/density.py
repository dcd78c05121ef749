"""How the density falls from its start to its end.

A schedule is a function g of ``u``, the share of the decay that has passed, from 0 to 1; the density is
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
    """A way for the density to fall.

    Attributes
    ----------
    share : callable
        g: share of the fall that is done when a share u of the decay has passed; g(0) = 0 and g(1) = 1.
    area : float
        Integral of 1 - g over [0, 1]: the links above the final ones, in units of those at the start times the length
        of the decay, and so what the decay costs beyond training at the final density.
    falls : bool
        Whether the density falls at all.
    surplus : float or None
        Density at the start beyond the final one, where a method gives no ``start_density``; None if it must.
    """

    share: Callable[[float], float]
    area: float
    falls: bool = True
    surplus: float | None = None


def constant(u: float) -> float:
    """Return 1: the density is the final one all along."""
    return 1.0


def cubic(u: float) -> float:
    r"""Return :math:`1 - (1 - u)^3` (eq. 6): most links go early.

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

    As printed, eq. 7 runs backwards, is centred elsewhere and misses both ends; this is how its authors compute it.

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
    """Return the two stages of MEST's soft memory bound: all, then half of the surplus, and none at the end.

    The second stage begins at 60 % of the decay.

    References
    ----------
    Yuan et al. (2021), "MEST", NeurIPS, for elastic mutation and soft memory bound (EM&S).

    Examples
    --------
    >>> [soft_bound(u) for u in (0.6, 0.61, 0.99, 1)]
    [0.0, 0.5, 0.5, 1.0]
    """
    if u <= 0.6:
        return 0.0
    return 0.5 if u < 1 else 1.0


def one_shot(u: float) -> float:
    """Return 0 until the decay ends, and 1 then: all surplus links go at once.

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
        "em_s": DensitySchedule(soft_bound, 0.8, surplus=0.05),
        "one_shot": DensitySchedule(one_shot, 1.0),
    },
)
