"""Whether a table of a run is whole: as many cells in each row, numbers where they belong, and steps that go on."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from topolearn.errors import CorruptFileError
from topolearn.recording.documents import CURE

if TYPE_CHECKING:
    import pandas as pd

LAYER = "layer"
COUNTERS = ("index", "step", "n_steps")  # whole numbers that do not go back
ALSO_NEEDED = {"layers.csv": (LAYER, "step"), "network.csv": ("index", "step"), "measures.csv": (LAYER, "step")}
EACH_ONCE = {"layers.csv": ["index", LAYER], "network.csv": ["index"]}


def check_cells(text: str) -> None:
    """Refuse the text of a table that has rows with more or fewer cells than its header, or a column twice.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_cells("step,loss\\n1,0.5\\n2\\n")
    Traceback (most recent call last):
    ValueError: line 3 has 1 cells, not 2
    """
    header = next(csv.reader(io.StringIO(text), strict=True), [])
    if len(set(header)) < len(header) or not all(header):
        raise ValueError(f"its header {','.join(header)[:80]!r} has a column twice, or one without a name")
    lines = text.count("\n")
    if '"' not in text and "\r" not in text and text.count(",") == lines * (len(header) - 1) and "\n\n" not in text:
        return  # a row that is too long is met by who parses it
    for number, row in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
        if len(row) != len(header):
            raise ValueError(f"line {number} has {len(row)} cells, not {len(header)}")


def check_table(name: str, table: pd.DataFrame) -> None:
    """Refuse a table whose columns are not those of its name, not numbers, or do not go on from row to row.

    Parameters
    ----------
    name : str
        Of the file.
    table : DataFrame

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import pandas as pd
    >>> check_table("metrics.csv", pd.DataFrame({"step": [1, 2, 1]}))
    Traceback (most recent call last):
    ValueError: step goes back from 2 to 1 in line 4
    """
    missing = [needed for needed in ALSO_NEEDED.get(name, ()) if needed not in table]
    if missing:
        raise ValueError(f"it has no column {missing[0]!r}")
    if not len(table):
        return
    for column in table:
        kind = table[column].dtype.kind
        if column == LAYER or kind in "iuf":
            continue
        numbers = [_is_number(value) for value in table[column]]
        place = numbers.index(False) if False in numbers else 0
        raise ValueError(f"{column} is {str(table[column].iloc[place])[:40]!r} in line {place + 2}, not a number")
    for counter in COUNTERS:
        if counter in table:
            _check_counter(counter, table[counter])
    once = [column for column in EACH_ONCE.get(name, ()) if column in table]
    if once == EACH_ONCE.get(name):
        twice = np.flatnonzero(table.duplicated(once).to_numpy())
        if twice.size:
            raise ValueError(f"line {twice[0] + 2} has {' and '.join(once)} of a line before it")
    if name == "network.csv" and not (np.diff(table["index"].to_numpy()) == 1).all():
        raise ValueError("index does not count the updates one by one")


def check_layers(file: object, table: pd.DataFrame, layers: list[str], others: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return a table, or refuse it where it is of layers that the history of its run does not have.

    Raises
    ------
    CorruptFileError
    """
    known = {*layers, *others}
    unknown = [name for name in table[LAYER].unique() if name not in known] if layers and LAYER in table else []
    if unknown:
        raise CorruptFileError(
            f"{file} has a layer {unknown[0]!r}, and the history beside it those of {', '.join(layers)}: {CURE}"
        )
    return table


def _check_counter(name: str, column: pd.Series) -> None:
    values = column.to_numpy()
    if name == "n_steps" and values.dtype.kind == "f":
        values = values[~np.isnan(values)]  # it is there where it differs from the step alone
    whole = (values >= 0) & (values < 2**53) & (values == np.floor(values))
    if not whole.all():
        place = int(np.flatnonzero(~whole)[0])
        raise ValueError(f"{name} is {values[place]} in line {place + 2}, not a whole number of at least 0")
    back = np.flatnonzero(np.diff(values) < 0)
    if back.size:
        before, after = values[back[0]], values[back[0] + 1]
        raise ValueError(f"{name} goes back from {before} to {after} in line {back[0] + 3}")


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True
