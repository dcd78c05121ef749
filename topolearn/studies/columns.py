"""Columns of results: those of finished runs, as numbers, and side by side under the same conditions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from topolearn.checks import listed
from topolearn.errors import InvalidValueError
from topolearn.registry import suggest
from topolearn.studies.directory import DONE


def done(results: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the rows of finished runs, or all rows if there is no column ``state``.

    Raises
    ------
    InvalidValueError
        When no run has finished, or one of the given columns does not exist.
    """
    rows = results[results["state"] == DONE] if "state" in results else results
    if rows.empty:
        raise InvalidValueError(f"none of the {len(results)} runs has finished: finish the study first")
    for name in columns:
        if name not in results:
            raise InvalidValueError(f"the results have no column {name!r}: {suggest(name, list(map(str, results)))}")
    return rows


def numeric(rows: pd.DataFrame, value: str) -> pd.Series:
    """Return a column of numbers; those that are missing are NaN.

    Raises
    ------
    InvalidValueError
        When the column holds something else.
    """
    try:
        return pd.to_numeric(rows[value]).astype(float)
    except (TypeError, ValueError):
        raise InvalidValueError(f"value={value!r} is not a column of numbers: it has {rows[value].iloc[0]!r}") from None


def check_finite(values: pd.Series, what: str) -> None:
    """Raise if values are not finite; the message has the entries of their index.

    Raises
    ------
    InvalidValueError
    """
    bad = values.index[~np.isfinite(values)]
    if len(bad):
        raise InvalidValueError(
            f"{what} is not finite for {values.index.name or ' and '.join(map(str, values.index.names))} "
            f"{', '.join(map(str, bad))}: leave these runs out, or choose another column with value=..."
        )


def side_by_side(results: pd.DataFrame, by: str, value: str, same: str | Sequence[str]) -> pd.DataFrame:
    """Return a row for each condition with results from all competitors, and a column for each competitor."""
    same = listed(same)
    rows = done(results, by, value, *same)
    if n_lost := int(rows[by].isna().sum()):
        raise InvalidValueError(
            f"{n_lost} of {len(rows)} finished runs have no {by!r}: set it for every setting of the study, for "
            f"example in its base, or leave these runs out with results.dropna(subset={by!r})"
        )
    rows = rows.assign(**{value: numeric(rows, value)})
    keys = [by, *same]
    twice = rows[rows.duplicated(keys)]
    if len(twice):
        raise InvalidValueError(
            f"there are several runs with {dict(twice.iloc[0][keys])}: add the columns that distinguish them to 'same'"
        )
    wide = rows.set_index(keys)[value].unstack(by).dropna()
    if wide.empty:
        raise InvalidValueError(
            f"no combination of {' and '.join(same)} has a finished run for every {by}: finish the study first"
        )
    return wide[list(dict.fromkeys(rows[by]))]
