r"""Text in CSV files that a spreadsheet does not take for a formula, and the way back.

A cell or column name that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break (or a full-width form of the
first four) and is not a number is written with a leading apostrophe, the way spreadsheets mark text. The same holds for
text that begins with apostrophes followed by one of these. Removing one apostrophe restores the original exactly.

References
----------
OWASP, "CSV injection".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from topolearn.files import written_aside

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_TEXT = "OTUS"  # the kinds of columns that may contain text
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE | re.ASCII)


def as_cell(value: Any) -> Any:
    r"""Return a value as it is written to a CSV file: text that would be a formula gets a leading apostrophe.

    Examples
    --------
    >>> [as_cell(value) for value in ("fc1", "=1+1", "-0.5", "-x", "'=x", "'tis", 3, None)]
    ['fc1', "'=1+1", '-0.5', "'-x", "''=x", "'tis", 3, None]
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value) or not _FORMULA.match(value):
        return value
    return f"'{value}"


def from_cell(value: Any) -> Any:
    """Return the original value of a cell that `as_cell` wrote.

    Examples
    --------
    >>> [from_cell(value) for value in ("fc1", "'=1+1", "-0.5", "''=x", "'tis", 3)]
    ['fc1', '=1+1', '-0.5', "'=x", "'tis", 3]
    """
    return value[1:] if isinstance(value, str) and value.startswith("'") and _FORMULA.match(value) else value


def quoting(cells: Iterable[Any]) -> Literal[0, 2]:
    """Return how to quote cells: only where needed, except that the csv module overlooks carriage returns."""
    has_return = any(isinstance(cell, str) and "\r" in cell for cell in cells)
    return csv.QUOTE_NONNUMERIC if has_return else csv.QUOTE_MINIMAL


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV, completely or not at all, without its index; `as_cell` converts cells and column names.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> path = Path(tempfile.mkdtemp(), "results.csv")
    >>> write_csv(pd.DataFrame({"label": ["@SUM(A1)", "SET"], "score": [-0.5, 0.5]}), path)
    >>> print(path.read_text())
    label,score
    '@SUM(A1),-0.5
    SET,0.5
    """
    with written_aside(path) as aside:
        written = _mapped(table, as_cell)
        texts = [name for name in written.columns if isinstance(name, str)]
        texts += [cell for _, column in written.items() if column.dtype.kind in _TEXT for cell in column]
        written.to_csv(aside, index=False, quoting=quoting(texts))


def read_csv(path: str | Path, **options: Any) -> pd.DataFrame:
    """Read a table that `write_csv` wrote, with its original text.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> path = Path(tempfile.mkdtemp(), "results.csv")
    >>> write_csv(pd.DataFrame({"label": ["=1+1"]}), path)
    >>> read_csv(path)["label"].tolist()
    ['=1+1']
    """
    import pandas as pd

    return with_names(pd.read_csv(path, **options))


def with_names(table: pd.DataFrame) -> pd.DataFrame:
    """Restore the original text of a table read from a CSV file that `write_csv` wrote."""
    return _mapped(table, from_cell)


def _mapped(table: pd.DataFrame, change: Any) -> pd.DataFrame:
    """Return a table with its text changed; numeric columns stay as they are."""
    changed = table.copy(deep=False)
    for place, dtype in enumerate(table.dtypes):
        if dtype.kind in _TEXT:
            changed.isetitem(place, table.iloc[:, place].map(change).array)
    changed.columns = [change(name) for name in table.columns]
    return changed
