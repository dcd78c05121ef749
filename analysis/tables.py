"""The CSV files in figures/: how studies and benchmarks write them, and how the runs of a study are read."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from topolearn.errors import MissingFileError
from topolearn.files import written_aside
from topolearn.read_errors import reading
from topolearn.recording.tables.growing import to_the_last_bit


def runs_in(file: Path, needed: Sequence[str] = ()) -> pd.DataFrame:
    """Return the finished runs that a study wrote to a file; raise an error if a needed column is missing."""
    if not file.is_file():
        raise MissingFileError(f"there is no file {str(file)!r}: run the command without --table to train and write it")
    with reading(file, "a table of runs", "run the command without --table to train and write it"):
        runs = pd.read_csv(file, **to_the_last_bit(pd.__version__))  # since it may be rewritten
        if missing := [name for name in needed if name not in runs]:
            raise KeyError(missing[0])
    return runs


def write_table(file: Path, rows: pd.DataFrame, *, float_format: str | None = None) -> None:
    """Write a table, which replaces the file only once it is whole.

    Parameters
    ----------
    file : Path
    rows : DataFrame
        Its index is not written.
    float_format : str, optional
        As for `pandas.DataFrame.to_csv`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(file) as aside:
        rows.to_csv(aside, index=False, float_format=float_format)
