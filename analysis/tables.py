"""Writing the CSV files in figures/."""

from pathlib import Path

import pandas as pd

from topolearn.files import written_aside


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
