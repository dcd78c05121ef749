"""Statistics over seeds and datasets: means with confidence intervals, win rates, and a paired test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from topolearn.checks import random_generator
from topolearn.errors import InvalidValueError
from topolearn.registry import suggest
from topolearn.studies.columns import check_finite, done, side_by_side
from topolearn.task_registry import TASKS

RESAMPLES = 9999


@dataclass(frozen=True)
class Spread:
    """Summary of several values.

    Attributes
    ----------
    n : int
        Number of values.
    mean, deviation : float
        Mean, and sample standard deviation (n - 1), which is NaN for a single value.
    low, high : float
        Ends of the confidence interval of the mean; NaN for a single value.
    """

    n: int
    mean: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Comparison of two settings over the same datasets and seeds.

    Attributes
    ----------
    difference : Spread
        Summary of the paired differences, first minus second.
    win_rate : float
        Share of the pairs in which the first is better; ties count half.
    p_value : float
        p-value of the paired two-sided Wilcoxon signed-rank test.
    """

    difference: Spread
    win_rate: float
    p_value: float


def spread(values: ArrayLike, *, confidence: float = 0.95, seed: int = 0) -> Spread:
    """Return the mean, standard deviation and bootstrap confidence interval of values.

    Parameters
    ----------
    values : array-like, shape (n,)
        Finite numbers, such as accuracies over seeds.
    confidence : float
        Confidence level of the interval, in (0, 1).
    seed : int
        Random seed of the resampling.

    Returns
    -------
    Spread
        The interval excludes the lowest and the highest (1 - confidence) / 2 of the means of 9,999 resamples
        (percentile bootstrap). A 95 % interval of two or three values is therefore their range.

    Raises
    ------
    InvalidValueError
        When there are no values, values are not finite, or ``confidence`` or ``seed`` is out of range.

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
        raise InvalidValueError(f"confidence={confidence} must be strictly between 0 and 1")
    mean = float(x.mean())
    if len(x) == 1:
        return Spread(1, mean, np.nan, np.nan, np.nan)
    interval = bootstrap(
        (x,),
        np.mean,
        confidence_level=confidence,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=random_generator(seed),
    ).confidence_interval
    # Rounding can move the mean of equal values out of their range.
    low, high = np.clip([interval.low, interval.high], x.min(), x.max())
    return Spread(len(x), mean, float(x.std(ddof=1)), float(low), float(high))


def wilcoxon_p_value(first: ArrayLike, second: ArrayLike) -> float:
    """Return the p-value of the paired two-sided Wilcoxon signed-rank test.

    Parameters
    ----------
    first, second : array-like, shape (n,)
        Paired values. Pairs of equal values are ignored; if all pairs are equal, the p-value is 1.

    Returns
    -------
    float
        The p-value, exact for few pairs. The smallest possible value is 2 / 2^n, so three seeds never give less than
        0.25.

    Raises
    ------
    InvalidValueError
        When values are not finite, or the two sides differ in length.

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
        raise InvalidValueError(f"{len(a)} and {len(b)} values are not pairs: pass equally many on both sides")
    apart = a != b
    return float(wilcoxon(a[apart], b[apart]).pvalue) if apart.any() else 1.0


def win_rates(
    results: pd.DataFrame,
    by: str = "label",
    value: str | None = None,
    *,
    same: str | Sequence[str] = ("dataset", "seed"),
    better: Literal["higher", "lower"] | None = None,
) -> pd.Series:
    """Return how often each of several settings is the best under the same conditions.

    Parameters
    ----------
    results : DataFrame
        One row per run, as returned by `results`; unfinished runs are ignored.
    by : str
        The column of the competing settings.
    value : str, optional
        The column to compare; default the best score of the task.
    same : str or sequence of str
        The columns that define a condition, such as dataset, seed, and other options of the study.
    better : {"higher", "lower"}, optional
        Which values are better. By default the task's direction for its scores, and "higher" for any other column.

    Returns
    -------
    Series
        For each competitor, the share of conditions in which it is the best. The rates sum to 1, as competitors with
        the same best value share the win. Conditions without a result from every competitor are ignored.

    Raises
    ------
    InvalidValueError
        When a column is unknown, a run has no competitor, a competitor has several runs in a condition, or no condition
        is left.

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
    wide = side_by_side(results, by, value, same)
    best = wide.max(axis=1) if higher else wide.min(axis=1)
    wins = wide.eq(best, axis=0)
    return wins.div(wins.sum(axis=1), axis=0).mean().rename("win_rate")


def compare(
    results: pd.DataFrame,
    first: Any,
    second: Any,
    by: str = "label",
    value: str | None = None,
    *,
    same: str | Sequence[str] = ("dataset", "seed"),
    better: Literal["higher", "lower"] | None = None,
    confidence: float = 0.95,
) -> Comparison:
    """Compare two settings in pairs, under each condition for which both have a result.

    Parameters
    ----------
    results, by, value, same, better
        As in `win_rates`.
    first, second
        Two entries of the column ``by``, such as labels.
    confidence : float
        Confidence level of the interval of the mean difference.

    Raises
    ------
    InvalidValueError
        As in `win_rates`, or when an entry does not exist.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["A", "B"] * 3, "dataset": "digits", "seed": [0, 0, 1, 1, 2, 2]})
    >>> comparison = compare(table.assign(best_accuracy=[0.9, 0.8, 0.7, 0.6, 0.8, 0.5]), "A", "B")
    >>> round(comparison.difference.mean, 3), comparison.win_rate, comparison.p_value
    (0.167, 1.0, 0.25)
    """
    value = value or best_score(results)
    higher = _higher_is_better(value, better)
    there = done(results, by)[by].dropna().unique().tolist()
    for name in (first, second):
        if name not in there:
            words = suggest(str(name), list(map(str, there)))
            raise InvalidValueError(f"{by} {name!r} ({type(name).__name__}) has no finished run: {words}")
    wide = side_by_side(results[results[by].isin([first, second])], by, value, same)
    for name in (first, second):
        check_finite(wide[name], f"{value} of {by} {name!r}")
    a, b = wide[first].to_numpy(float), wide[second].to_numpy(float)
    wins = a > b if higher else a < b
    rate = float((wins + (a == b) / 2).mean())
    return Comparison(spread(a - b, confidence=confidence), rate, wilcoxon_p_value(a, b))


def best_score(results: pd.DataFrame) -> str:
    """Return the column with the best score of the results' task.

    Raises
    ------
    InvalidValueError
        When no run has finished, there is no such column, or several.

    Examples
    --------
    >>> best_score(pd.DataFrame({"label": ["A"], "best_accuracy": [0.9]}))
    'best_accuracy'
    """
    scores = sorted({task.best for task in TASKS.values()} & set(done(results)))
    if len(scores) != 1:
        there = f"several scores, {', '.join(scores)}" if scores else "no score of a task"
        raise InvalidValueError(f"the results have {there}: choose the column to compare with value=...")
    return scores[0]


def _higher_is_better(value: str, better: str | None) -> bool:
    """Return whether higher values are better: as given, or else as the score's task defines it."""
    known = {name: task.better for task in TASKS.values() for name in (task.best, task.last)}
    better = better or known.get(value, "higher")
    if better not in ("higher", "lower"):
        raise InvalidValueError(f"better={better!r} must be 'higher' or 'lower'")
    return better == "higher"


def _finite(name: str, values: ArrayLike) -> np.ndarray:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise InvalidValueError(f"{name}={values!r} must be a non-empty list of finite numbers")
    return x
