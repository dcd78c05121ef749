"""Whether a table of a run is whole: its columns are there, and numbers are numbers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from topolearn.errors import CorruptFileError

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("layer",)  # columns that hold text


def check_table(table: pd.DataFrame, file: Path, columns: Iterable[str]) -> None:
    """Refuse a table without one of some columns.

    Raises
    ------
    CorruptFileError
        Names the file, and what is missing.
    """
    for name in columns:
        if name not in table:
            raise CorruptFileError(
                f"{file} is not a table of a run: it has no column {name!r}; put the file back as it was written"
            )


def check_numbers(table: pd.DataFrame, file: Path) -> None:
    """Refuse a table that holds text where it had numbers.

    Raises
    ------
    CorruptFileError
        Names the file, the column, and the first such text.

    Examples
    --------
    >>> import pandas as pd
    >>> check_numbers(pd.DataFrame({"layer": ["fc1"], "closure": ["high"]}), Path("measures.csv"))
    Traceback (most recent call last):
    topolearn.errors.CorruptFileError: measures.csv, column 'closure': 'high' is not a number; put the file back ...
    """
    for name, dtype in table.dtypes.items():
        if name in NAMES or dtype.kind in "biuf":
            continue
        for value in table[name].dropna():
            try:
                float(value)
            except (TypeError, ValueError):
                raise CorruptFileError(
                    f"{file}, column {str(name)!r}: {value!r} is not a number; put the file back as it was written"
                ) from None
