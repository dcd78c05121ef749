"""Checks of the fractions and numbers that measures take."""

import reprlib
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topolearn.errors import InvalidTypeError, InvalidValueError


def check_fraction(name: str, value: float, *, may_be_all: bool = False) -> float:
    """Return a fraction above 0, and below 1 unless it may be all, as a float, or raise an error.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not a number in (0, 1), or (0, 1].
    """
    bounds = "(0, 1]" if may_be_all else "(0, 1)"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidTypeError(f"{name}={value!r} must be a share in {bounds}")
    if not 0 < value <= 1 or (value == 1 and not may_be_all):
        raise InvalidValueError(f"{name}={value!r} must be a share in {bounds}")
    return float(value)


def check_row(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return values as a 1-D array of floats; see `check_numbers`.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When they are not real numbers in one dimension.
    """
    row = check_numbers(name, values)
    if row.ndim == 2 and row.shape[1] == 2:  # as in networkx's graph.degree()
        raise InvalidValueError(
            f"{name} of shape {row.shape} must be a 1-D array: instead of pairs of nodes and degrees, pass the graph "
            "itself, or [degree for _, degree in graph.degree()]; for an adjacency matrix, pass BipartiteGraph(matrix)"
        )
    if row.ndim != 1:
        raise InvalidValueError(
            f"{name} of shape {row.shape} must be a 1-D array: pass {name}.ravel(), or BipartiteGraph(matrix) for an "
            "adjacency matrix"
        )
    return row


def check_numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return values as floats; reject text, dates and complex numbers, even where numpy would convert them.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When they are not real numbers, or one is too large for a float.
    """
    error = InvalidTypeError(f"{name}={reprlib.repr(values)} must be numbers")
    try:
        given = np.asarray(values)
        if given.dtype.kind in "biuf" or (given.dtype.kind == "O" and all(isinstance(x, Real) for x in given.flat)):
            return given.astype(np.float64)
    except OverflowError:
        raise InvalidValueError(f"{name}={reprlib.repr(values)} include a number too large for a float") from None
    except (TypeError, ValueError, RuntimeError):  # rows of unequal lengths, or a tensor that requires grad
        raise error from None
    raise error
