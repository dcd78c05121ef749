"""What every generator is given, checked in one place: sizes, shares, the number of links, the seed."""

from numbers import Integral, Real

import numpy as np

from topolearn.errors import InvalidTypeError, InvalidValueError


def check_size(name: str, value: int) -> int:
    """Return a number of neurons as an int, or say why it is none.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not an integer of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidTypeError(f"{name}={value!r} must be an integer of at least 1")
    if value < 1:
        raise InvalidValueError(f"{name}={value} must be at least 1: a layer needs neurons on both sides")
    return int(value)


def check_share(name: str, value: float) -> float:
    """Return a number of [0, 1] as a float, or say why it is none.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not a number of [0, 1].
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidTypeError(f"{name}={value!r} must be a number in [0, 1]")
    if not 0 <= value <= 1:
        raise InvalidValueError(f"{name}={value} must lie in [0, 1]")
    return float(value)


def link_count(n_in: int, n_out: int, density: float) -> int:
    """Return the number of links of a layer, ``round(density * n_in * n_out)``.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output neurons.
    density : float
        Share of the cells that are links, in (0, 1].

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For impossible sizes, a density outside (0, 1], or one that leaves no link.

    Examples
    --------
    >>> link_count(784, 1568, 0.01)
    12293
    """
    n_cells = check_size("n_in", n_in) * check_size("n_out", n_out)
    if check_share("density", density) == 0:
        raise InvalidValueError("density=0 leaves no link: use a density in (0, 1]")
    n_links = round(float(density) * n_cells)
    if n_links == 0:
        raise InvalidValueError(
            f"density={density} leaves no link in a layer of {n_in} x {n_out} neurons: "
            f"use at least {1 / n_cells:.3g}, which leaves one"
        )
    return n_links


def random_generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    """Return the generator object of a seed; a generator object is used as it is, None gives a fresh one.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is none of these, or negative.
    """
    if seed is None or isinstance(seed, np.random.Generator):
        return np.random.default_rng(seed)
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise InvalidTypeError(f"seed={seed!r} must be an integer, a numpy Generator or None")
    if seed < 0:
        raise InvalidValueError(f"seed={seed} must be at least 0")
    return np.random.default_rng(int(seed))
