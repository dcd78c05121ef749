"""The tables of a run, read back."""

from pathlib import Path
from typing import Any

import pandas as pd

from topolearn.errors import CorruptFileError


def read_table(file: Path, *, key: str = "epoch", **options: Any) -> pd.DataFrame:
    """Return one of the tables, which have a column `key`; without rows when it has none yet, or is not there.

    Raises
    ------
    CorruptFileError
        When it is no such table.
    """
    try:
        table = pd.read_csv(file, **options)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return pd.DataFrame({key: []})
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise CorruptFileError(f"{file} is not a readable table: {error}") from None
    if key not in table:
        raise CorruptFileError(f"{file} is not a table of a run: it has no column {key!r}")
    return table
