"""How zeta, the fraction of the links that an update removes, changes during training.

A schedule is a function of zeta and of ``progress``, the share of the topology's evolution that is done.
"""

import math
from collections.abc import Callable

from topolearn.registry import Registry


def constant(zeta: float, progress: float) -> float:
    """Return zeta itself, regardless of progress."""
    return zeta


def cosine(zeta: float, progress: float) -> float:
    r"""Return :math:`\frac{\zeta}{2} (1 + \cos(\pi p))`: from zeta at the start to 0 at the end.

    References
    ----------
    Dettmers, Zettlemoyer (2019), "Sparse networks from scratch"; Evci et al. (2020), "Rigging the lottery".

    Examples
    --------
    >>> [round(cosine(0.3, p), 3) for p in (0, 0.5, 1)]
    [0.3, 0.15, 0.0]
    """
    return zeta / 2 * (1 + math.cos(math.pi * progress))


ZETA_SCHEDULES: Registry[Callable[[float, float], float]] = Registry(
    "zeta schedule", {"constant": constant, "cosine": cosine}
)
