"""Whole numbers from products such as share * size, which rounding errors may put just above or below an integer."""

import math

NEAR = 2.0**-48  # relative error of a product of a few floats


def floor_of(value: float) -> int:
    """Return the largest integer of at most a number of at least 0, up to rounding errors.

    Examples
    --------
    >>> 0.29 * 100, floor_of(0.29 * 100), floor_of(28.9)
    (28.999999999999996, 29, 28)
    """
    return math.floor(value * (1 + NEAR))


def ceil_of(value: float) -> int:
    """Return the smallest integer of at least a number of at least 0, up to rounding errors.

    Examples
    --------
    >>> 0.07 * 100, ceil_of(0.07 * 100), ceil_of(7.1)
    (7.000000000000001, 7, 8)
    """
    return math.ceil(value * (1 - NEAR))
