"""The samples of a fit: distinct positive numbers and their counts."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topolearn.diagnostics.checks import check_row
from topolearn.errors import InvalidTypeError, InvalidValueError, UndefinedMeasureError

Floats = NDArray[np.float64]
LARGEST_WHOLE = 2.0**52  # from here on floats cannot represent fractions, and soon not all integers
SMALLEST, LARGEST = 1e-150, 1e150  # within these bounds no ratio of two samples overflows


@dataclass(frozen=True)
class Samples:
    """Sorted distinct values, and their counts.

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
        """Return all samples, sorted."""
        return np.repeat(self.values, self.counts)


def counted(values: Floats, discrete: bool) -> Samples:
    """Return values as `Samples`, with counts of distinct values."""
    distinct, counts = np.unique(values, return_counts=True)
    return Samples(distinct, counts.astype(np.int64), discrete)


def read_samples(samples: ArrayLike, discrete: bool | None) -> Samples:
    """Convert input to samples, without zeros.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the input is not a 1-D array of finite, non-negative numbers of reasonable size; or when `discrete` is
        true and they are not integers below 2**52.
    UndefinedMeasureError
        When there are fewer than two distinct values.
    """
    if not (discrete is None or isinstance(discrete, bool | np.bool_)):
        raise InvalidTypeError(f"discrete={discrete!r} must be True, False or None")
    values = check_row("samples", samples)
    bad = values[~np.isfinite(values) | (values < 0)]
    if bad.size:
        raise InvalidValueError(f"sample {bad[0]} cannot follow a power law: pass finite numbers of at least 0")
    values = values[values > 0]
    bad = values[(values < SMALLEST) | (values > LARGEST)]
    if bad.size:
        raise InvalidValueError(f"sample {bad[0]} must lie in [{SMALLEST}, {LARGEST}]: use another unit")
    counting = (values == np.floor(values)) & (values < LARGEST_WHOLE)
    if discrete and not counting.all():
        raise InvalidValueError(f"sample {values[~counting][0]} is not an integer below 2**52: leave discrete out")
    kept = counted(values, bool(counting.all() if discrete is None else discrete))
    if kept.values.size < 2:
        only = f"all samples above 0 are {kept.values[0]:g}" if kept.n else "no sample is above 0"
        raise UndefinedMeasureError(f"a power law is undefined where {only}: two different values are needed")
    return kept


def read_start(xmin: float, samples: Samples) -> float:
    """Check a given xmin, the start of the law, and return it as a float.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not a number above 0, or not an integer although the samples are.
    UndefinedMeasureError
        When there are fewer than two distinct values of at least xmin.
    """
    if isinstance(xmin, bool) or not isinstance(xmin, Real):
        raise InvalidTypeError(f"xmin={xmin!r} must be a number, or None to find the best one")
    if not (np.isfinite(xmin) and xmin >= SMALLEST):
        raise InvalidValueError(f"xmin={xmin!r} must be a number above 0, of at least {SMALLEST}")
    if samples.discrete and xmin != np.floor(xmin):
        raise InvalidValueError(f"xmin={xmin!r} must be an integer, like the samples")
    if samples.tail(xmin).values.size < 2:
        raise UndefinedMeasureError(
            f"a power law from xmin={xmin:g} on is undefined: fewer than two different samples are at least that "
            f"large; use an xmin of at most {samples.values[-2]:g}"
        )
    return float(xmin)
