"""What numbers over seeds and data sets say: mean and interval, win rate, and a paired test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from topolearn.errors import InvalidValueError
from topolearn.registry import suggest
from topolearn.studies.directory import DONE
from topolearn.task_registry import TASKS

RESAMPLES = 9999


@dataclass(frozen=True)
class Spread:
    """Several values in short.

    Attributes
    ----------
    n : int
    mean, deviation : float
        The deviation is that of a sample (n - 1); NaN for one value.
    low, high : float
        Ends of the confidence interval of the mean; NaN for one value.
    """

    n: int
    mean: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One setting beside another, over the same data sets and seeds.

    Attributes
    ----------
    difference : Spread
        Of the paired differences, first minus second.
    win_rate : float
        Share of the pairs in which the first is the better one; ties count half.
    p_value : float
        Of the paired two-sided Wilcoxon signed-rank test.
    """

    difference: Spread
    win_rate: float
    p_value: float


def spread(values: ArrayLike, *, confidence: float = 0.95, seed: int = 0) -> Spread:
    """Return mean, deviation and bootstrap confidence interval of values.

    Parameters
    ----------
    values : array-like, shape (n,)
        Finite numbers, such as accuracies over seeds.
    confidence : float
        Of the interval, in (0, 1).
    seed : int
        Of the resampling.

    Returns
    -------
    Spread
        The interval leaves out the lowest and the highest (1 - confidence) / 2 of the means of 9,999 resamples
        (percentile bootstrap). A 95 % interval of two or three values is thus their range.

    Raises
    ------
    InvalidValueError
        For no values, values that are not finite, or a confidence out of range.

    References
    ----------
    Efron, Tibshirani (1993), An introduction to the bootstrap.

    Examples
    --------
    >>> accuracy = spread([0.95, 0.96, 0.98])
    >>> round(accuracy.mean, 4), round(accuracy.deviation, 4), accuracy.low, accuracy.high
    (0.9633, 0.0153, 0.95, 0.98)
    """
    from scipy.stats import bootstrap

    x = _finite("values", values)
    if not 0 < confidence < 1:
        raise InvalidValueError(f"confidence={confidence} must lie strictly between 0 and 1")
    mean = float(x.mean())
    if len(x) == 1:
        return Spread(1, mean, np.nan, np.nan, np.nan)
    interval = bootstrap(
        (x,), np.mean, confidence_level=confidence, n_resamples=RESAMPLES, method="percentile", rng=seed
    ).confidence_interval
    # The mean of equal values can leave their range by rounding.
    low, high = np.clip([interval.low, interval.high], x.min(), x.max())
    return Spread(len(x), mean, float(x.std(ddof=1)), float(low), float(high))


def wilcoxon_p_value(first: ArrayLike, second: ArrayLike) -> float:
    """Return the p-value of the paired two-sided Wilcoxon signed-rank test.

    Parameters
    ----------
    first, second : array-like, shape (n,)
        Values in pairs. Pairs that are equal are left out; without any other, p is 1.

    Returns
    -------
    float
        Exact for few pairs; the smallest possible one is 2 / 2^n, so that three seeds never give less than .25.

    Raises
    ------
    InvalidValueError
        For values that are not finite, or sides of different lengths.

    References
    ----------
    Wilcoxon (1945), "Individual comparisons by ranking methods", Biometrics Bulletin 1.

    Examples
    --------
    >>> wilcoxon_p_value([0.97, 0.98, 0.96], [0.95, 0.95, 0.95])
    0.25
    """
    from scipy.stats import wilcoxon

    a, b = _finite("first", first), _finite("second", second)
    if len(a) != len(b):
        raise InvalidValueError(f"{len(a)} and {len(b)} values are not pairs: give as many on both sides")
    apart = a != b
    return float(wilcoxon(a[apart], b[apart]).pvalue) if apart.any() else 1.0


def win_rates(
    results: pd.DataFrame,
    by: str = "label",
    value: str | None = None,
    *,
    same: Sequence[str] = ("dataset", "seed"),
    better: Literal["higher", "lower"] | None = None,
) -> pd.Series:
    """Return how often each of several settings is the best one under the same conditions.

    Parameters
    ----------
    results : DataFrame
        A row a run, as `results` returns; those that are not done are left out.
    by : str
        The column of what competes.
    value : str, optional
        The column in which it is better to have more, or less; default the best score of the task.
    same : sequence of str
        The columns of a condition, such as data set, seed, and the other options of a study.
    better : {"higher", "lower"}, optional
        Default the task's direction for its scores, and "higher" for any other column.

    Returns
    -------
    Series
        For each competitor, the conditions in which it is the best of all over the number of conditions, so that the
        rates sum to 1; those that share the best value share the win. Conditions that not all have met are left out.

    Raises
    ------
    InvalidValueError
        For an unknown column, for several runs of a competitor in a condition, or when no condition is left.

    References
    ----------
    Zhang et al., Cannistraci-Hebb training: Figures 4 and 5, "the win rate of the compared factors under the same
    setting across each realization of 3 seeds for all experiment combinations", and Table 4.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["A", "B"] * 2, "dataset": "digits", "seed": [0, 0, 1, 1]})
    >>> win_rates(table.assign(best_accuracy=[0.9, 0.8, 0.7, 0.7])).to_dict()
    {'A': 0.75, 'B': 0.25}
    """
    value = value or best_score(results)
    higher = _higher_is_better(value, better)
    wide = _side_by_side(results, by, value, same)
    best = wide.max(axis=1) if higher else wide.min(axis=1)
    wins = wide.eq(best, axis=0)
    return wins.div(wins.sum(axis=1), axis=0).mean().rename("win_rate")


def compare(
    results: pd.DataFrame,
    first: str,
    second: str,
    by: str = "label",
    value: str | None = None,
    *,
    same: Sequence[str] = ("dataset", "seed"),
    better: Literal["higher", "lower"] | None = None,
    confidence: float = 0.95,
) -> Comparison:
    """Compare two settings in pairs: under each condition that both have met.

    Parameters
    ----------
    results, by, value, same, better
        As in `win_rates`.
    first, second : str
        Two entries of the column ``by``.
    confidence : float
        Of the interval of the mean difference.

    Raises
    ------
    InvalidValueError
        As in `win_rates`, and for an entry that is not there.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["A", "B"] * 3, "dataset": "digits", "seed": [0, 0, 1, 1, 2, 2]})
    >>> comparison = compare(table.assign(best_accuracy=[0.9, 0.8, 0.7, 0.6, 0.8, 0.5]), "A", "B")
    >>> round(comparison.difference.mean, 3), comparison.win_rate, comparison.p_value
    (0.167, 1.0, 0.25)
    """
    value = value or best_score(results)
    higher = _higher_is_better(value, better)
    there = [str(name) for name in done(results, by)[by].unique()]
    for name in (first, second):
        if name not in there:
            raise InvalidValueError(f"{by} {name!r} has no finished run: {suggest(name, there)}")
    wide = _side_by_side(results[results[by].isin([first, second])], by, value, same)
    a, b = wide[first].to_numpy(float), wide[second].to_numpy(float)
    wins = a > b if higher else a < b
    rate = float((wins + (a == b) / 2).mean())
    return Comparison(spread(a - b, confidence=confidence), rate, wilcoxon_p_value(a, b))


def best_score(results: pd.DataFrame) -> str:
    """Return the column of the best score of the task that the results are of.

    Raises
    ------
    InvalidValueError
        When there is none, or several.

    Examples
    --------
    >>> best_score(pd.DataFrame({"label": ["A"], "best_accuracy": [0.9]}))
    'best_accuracy'
    """
    scores = sorted({task.best for task in TASKS.values()} & set(results))
    if len(scores) != 1:
        there = f"several scores, {', '.join(scores)}" if scores else "no score of a task"
        raise InvalidValueError(f"the results have {there}: say which column counts, value=...")
    return scores[0]


def _higher_is_better(value: str, better: str | None) -> bool:
    """Return whether more of a value is better: as said, else as the task whose score it is has it."""
    known = {name: task.better for task in TASKS.values() for name in (task.best, task.last)}
    better = better or known.get(value, "higher")
    if better not in ("higher", "lower"):
        raise InvalidValueError(f"better={better!r} must be 'higher' or 'lower'")
    return better == "higher"


def done(results: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the rows of finished runs; all rows of a table that does not tell.

    Raises
    ------
    InvalidValueError
        When one of some columns is not there.
    """
    for name in columns:
        if name not in results:
            raise InvalidValueError(f"the results have no column {name!r}: {suggest(name, list(map(str, results)))}")
    return results[results["state"] == DONE] if "state" in results else results


def _side_by_side(results: pd.DataFrame, by: str, value: str, same: Sequence[str]) -> pd.DataFrame:
    """Return a row for each condition that all competitors have met, and a column for each of them."""
    rows = done(results, by, value, *same)
    keys = [by, *same]
    twice = rows[rows.duplicated(keys)]
    if len(twice):
        raise InvalidValueError(
            f"there are several runs with {dict(twice.iloc[0][keys])}: name in 'same' what tells them apart"
        )
    wide = rows.set_index(keys)[value].unstack(by).dropna()
    if wide.empty:
        raise InvalidValueError(f"there is no {' and '.join(same)} for which all of {by} are done: finish the study")
    return wide[list(dict.fromkeys(rows[by]))]


def _finite(name: str, values: ArrayLike) -> np.ndarray:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise InvalidValueError(f"{name}={values!r} must be one or more finite numbers")
    return x
