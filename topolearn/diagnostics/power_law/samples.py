"""The samples of a fit: positive numbers, counted."""

import reprlib
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topolearn.errors import InvalidTypeError, InvalidValueError, UndefinedMeasureError

Floats = NDArray[np.float64]
LARGEST_WHOLE = 2.0**52  # from here on floats have no digits left for fractions, and then none for units
SMALLEST, LARGEST = 1e-150, 1e150  # between which no ratio of two samples is too large for a float


@dataclass(frozen=True)
class Samples:
    """Distinct values, sorted, and how often each occurs.

    Attributes
    ----------
    values : array of float64, shape (n_distinct,)
    counts : array of int64, shape (n_distinct,)
    discrete : bool
        Whether they are whole numbers.
    """

    values: Floats
    counts: NDArray[np.int64]
    discrete: bool

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())

    def tail(self, xmin: float) -> "Samples":
        """Return the samples of at least `xmin`."""
        first = np.searchsorted(self.values, xmin)
        return Samples(self.values[first:], self.counts[first:], self.discrete)

    def expanded(self) -> Floats:
        """Return each sample by itself, sorted."""
        return np.repeat(self.values, self.counts)


def counted(values: Floats, discrete: bool) -> Samples:
    """Return samples by distinct value."""
    distinct, counts = np.unique(values, return_counts=True)
    return Samples(distinct, counts.astype(np.int64), discrete)


def read_samples(samples: ArrayLike, discrete: bool | None) -> Samples:
    """Return what was given as samples, without zeros.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not one row of numbers that are finite, not negative and not out of all proportion, or they are not
        whole, or too large to be told from their neighbours, although `discrete` says so.
    UndefinedMeasureError
        When fewer than two values differ.
    """
    if not (discrete is None or isinstance(discrete, bool | np.bool_)):
        raise InvalidTypeError(f"discrete={discrete!r} must be True, False or None")
    values = _numbers(samples)
    if values.ndim != 1:
        raise InvalidValueError(
            f"samples of shape {values.shape} must be one row of numbers: pass samples.ravel(), or of "
            "an adjacency BipartiteGraph(matrix)"
        )
    bad = values[~np.isfinite(values) | (values < 0)]
    if bad.size:
        raise InvalidValueError(f"sample {bad[0]} cannot follow a power law: give finite numbers of at least 0")
    values = values[values > 0]
    bad = values[(values < SMALLEST) | (values > LARGEST)]
    if bad.size:
        raise InvalidValueError(f"sample {bad[0]} must lie in [{SMALLEST}, {LARGEST}]: use another unit")
    counting = (values == np.floor(values)) & (values < LARGEST_WHOLE)
    if discrete and not counting.all():
        raise InvalidValueError(f"sample {values[~counting][0]} is not whole, or not below 2**52: leave discrete out")
    kept = counted(values, bool(counting.all() if discrete is None else discrete))
    if kept.values.size < 2:
        only = f"all samples above 0 are {kept.values[0]:g}" if kept.n else "no sample is above 0"
        raise UndefinedMeasureError(f"a power law is undefined where {only}: two different values are needed")
    return kept


def read_start(xmin: float, samples: Samples) -> float:
    """Return where a law is to begin.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not a number above 0, or not whole although the samples are.
    UndefinedMeasureError
        When fewer than two values of at least it differ.
    """
    if isinstance(xmin, bool) or not isinstance(xmin, Real):
        raise InvalidTypeError(f"xmin={xmin!r} must be a number, or None to look for the best")
    if not (np.isfinite(xmin) and xmin >= SMALLEST):
        raise InvalidValueError(f"xmin={xmin!r} must be a number above 0, of at least {SMALLEST}")
    if samples.discrete and xmin != np.floor(xmin):
        raise InvalidValueError(f"xmin={xmin!r} must be whole, as the samples are")
    if samples.tail(xmin).values.size < 2:
        raise UndefinedMeasureError(
            f"a power law from xmin={xmin:g} on is undefined: fewer than two samples of at least that differ; "
            f"use an xmin of at most {samples.values[-2]:g}"
        )
    return float(xmin)


def _numbers(samples: ArrayLike) -> Floats:
    """Return samples as floats; text, dates and complex numbers are none, even where numpy would convert them."""
    refused = InvalidTypeError(f"samples={reprlib.repr(samples)} must be numbers")
    try:
        given = np.asarray(samples)
        if given.dtype.kind in "biuf" or (given.dtype.kind == "O" and all(isinstance(x, Real) for x in given.flat)):
            return given.astype(np.float64)
    except OverflowError:
        raise InvalidValueError(f"samples={reprlib.repr(samples)}: one is too large for a float") from None
    except (
        TypeError,
        ValueError,
        RuntimeError,
    ):  # rows of unequal lengths, or a tensor of another device or in a graph
        raise refused from None
    raise refused
