"""Tables of results with one row per setting, for printing, Markdown and LaTeX."""

from dataclasses import asdict

import pandas as pd

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError
from topolearn.studies.columns import check_finite, done, numeric
from topolearn.studies.statistics import Spread, best_score, spread
from topolearn.terminal import markdown_cell


def summary_table(
    results: pd.DataFrame, by: str = "label", value: str | None = None, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Summarize a value of the finished runs, with one row per setting.

    Parameters
    ----------
    results : DataFrame
        One row per run, as returned by `results`.
    by : str
        The column that holds the settings.
    value : str, optional
        The column to summarize; default the best score of the task.
    confidence : float
        Confidence level of the interval.

    Returns
    -------
    DataFrame
        Columns ``n``, ``mean``, ``deviation``, and the ends ``low`` and ``high`` of the mean's confidence interval; see
        `spread`. A setting of which no run has a value, such as the overlap of a static network, has ``n`` = 0.

    Raises
    ------
    InvalidValueError
        When no run has finished, there is no such column, it holds no numbers, values of a setting are not finite, or a
        setting has the same run twice.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["A", "A", "B"], "best_accuracy": [0.9, 0.8, 0.7]})
    >>> print(to_markdown(summary_table(table), digits=2))
    | label | n | mean | deviation | low | high |
    | --- | ---: | ---: | ---: | ---: | ---: |
    | A | 2 | 0.85 | 0.07 | 0.80 | 0.90 |
    | B | 1 | 0.70 | - | - | - |
    """
    value = value or best_score(results)
    rows = done(results, by, value)
    if "hash" in rows and rows.duplicated([by, "hash"]).any():  # such as two tables that share runs
        raise InvalidValueError("the results have the same run twice: remove one with results.drop_duplicates('hash')")
    index = rows["seed"] if "seed" in rows else pd.RangeIndex(len(rows), name="row")
    values = numeric(rows, value).set_axis(index)
    names, lines = [], []
    for name, own in values.groupby(rows[by].to_numpy(), sort=False, dropna=False):
        names.append(name)
        lines.append(_summary(own, f"{value} of {by} {name!r}", confidence))
    return pd.DataFrame(lines, index=pd.Index(names, name=by, tupleize_cols=False))


def _summary(values: pd.Series, what: str, confidence: float) -> dict[str, float]:
    if values.isna().all():
        return asdict(Spread(0, *[float("nan")] * 4))
    check_finite(values, what)
    return asdict(spread(values, confidence=confidence))


def to_markdown(table: pd.DataFrame, *, digits: int = 4) -> str:
    """Format a table in Markdown, with its index as the first column.

    Parameters
    ----------
    table : DataFrame
        The table.
    digits : int
        Decimal places of floating-point numbers. Missing values become a hyphen.
    """
    words = _in_words(table, digits)
    is_number = [False, *(pd.api.types.is_numeric_dtype(table[name]) for name in table)]
    rows = [[*words], ["---:" if right else "---" for right in is_number], *words.to_numpy().tolist()]
    cells = [[markdown_cell(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def to_latex(table: pd.DataFrame, *, digits: int = 4) -> str:
    """Format a table in LaTeX for the package booktabs, with its index as the first column.

    Parameters
    ----------
    table : DataFrame
        The table.
    digits : int
        As in `to_markdown`.
    """
    columns = "l" + "".join("r" if pd.api.types.is_numeric_dtype(table[name]) else "l" for name in table)
    return _in_words(table, digits).to_latex(index=False, escape=True, column_format=columns)


def _in_words(table: pd.DataFrame, digits: int) -> pd.DataFrame:
    """Return all cells as text, and the index as the first column."""
    check_size("digits", digits, least=0)
    index = table.index.name or ""
    columns = {str(name): [_word(cell, digits) for cell in table[name]] for name in table}
    return pd.DataFrame({str(index): ["-" if _is_missing(name) else str(name) for name in table.index], **columns})


def _word(cell: object, digits: int) -> str:
    if _is_missing(cell):
        return "-"
    return f"{cell:.{digits}f}" if isinstance(cell, float) else str(cell)


def _is_missing(cell: object) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124  # NaN
