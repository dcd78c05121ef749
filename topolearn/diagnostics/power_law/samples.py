"""The samples of a fit: positive numbers, counted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topolearn.errors import InvalidTypeError, InvalidValueError, UndefinedMeasureError

Floats = NDArray[np.float64]


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
        When it is not one row of numbers that are finite and not negative, or not whole although `discrete` says so.
    UndefinedMeasureError
        When fewer than two values differ.
    """
    try:
        values = np.asarray(samples, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidTypeError(f"samples={samples!r} must be numbers") from None
    if values.ndim != 1:
        raise InvalidValueError(f"samples of shape {values.shape} must be one row of numbers: pass samples.ravel()")
    bad = values[~np.isfinite(values) | (values < 0)]
    if bad.size:
        raise InvalidValueError(f"sample {bad[0]} cannot follow a power law: give finite numbers of at least 0")
    whole = bool((values == np.floor(values)).all())
    if discrete and not whole:
        raise InvalidValueError(f"sample {values[values != np.floor(values)][0]} is not whole: leave discrete out")
    found = counted(values[values > 0], whole if discrete is None else discrete)
    if found.values.size < 2:
        only = f"all samples above 0 are {found.values[0]:g}" if found.n else "no sample is above 0"
        raise UndefinedMeasureError(f"a power law is undefined where {only}: two different values are needed")
    return found
