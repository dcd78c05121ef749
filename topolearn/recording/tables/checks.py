"""Checks of a run's tables: rows of equal length, numbers where they belong, and steps that never decrease."""

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
COUNTERS = ("index", "step", "n_steps")  # integers that never decrease
ALSO_NEEDED = {"layers.csv": (LAYER, "step"), "network.csv": ("index", "step"), "measures.csv": (LAYER, "step")}
EACH_ONCE = {"layers.csv": ["index", LAYER], "network.csv": ["index"]}


def check_cells(text: str) -> None:
    """Raise if a row of a table has more or fewer cells than its header, or the header has a column twice.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_cells("step,loss\\n1,0.5\\n2\\n")
    Traceback (most recent call last):
    ValueError: line 3 should have 2 cells, but has 1
    """
    header = next(csv.reader(io.StringIO(text), strict=True), [])
    if len(set(header)) < len(header) or not all(header):
        raise ValueError(f"its header {','.join(header)[:80]!r} has a duplicate column, or one without a name")
    lines = text.count("\n")
    if '"' not in text and "\r" not in text and text.count(",") == lines * (len(header) - 1) and "\n\n" not in text:
        return  # the parser detects rows that are too long
    for number, row in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
        if len(row) != len(header):
            raise ValueError(f"line {number} should have {len(header)} cells, but has {len(row)}")


def check_table(name: str, table: pd.DataFrame) -> None:
    """Raise if a table lacks a column, has text in place of numbers, or has counters that decrease.

    Parameters
    ----------
    name : str
        Name of the file.
    table : DataFrame

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import pandas as pd
    >>> check_table("metrics.csv", pd.DataFrame({"step": [1, 2, 1]}))
    Traceback (most recent call last):
    ValueError: step decreases from 2 to 1 in line 4
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
            raise ValueError(f"line {twice[0] + 2} repeats the {' and '.join(once)} of an earlier line")
    if name == "network.csv" and not (np.diff(table["index"].to_numpy()) == 1).all():
        raise ValueError("index does not increase by 1 from row to row")


def check_layers(file: object, table: pd.DataFrame, layers: list[str], others: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return a table, or raise if it has layers that the history of its run does not have.

    Raises
    ------
    CorruptFileError
    """
    known = {*layers, *others}
    unknown = [name for name in table[LAYER].unique() if name not in known] if layers and LAYER in table else []
    if unknown:
        raise CorruptFileError(
            f"{file} has a layer {unknown[0]!r}, but the history of the run only has {', '.join(layers)}: {CURE}"
        )
    return table


def _check_counter(name: str, column: pd.Series) -> None:
    values = column.to_numpy()
    if name == "n_steps" and values.dtype.kind == "f":
        values = values[~np.isnan(values)]  # rows have it only if it differs from the step
    whole = (values >= 0) & (values < 2**53) & (values == np.floor(values))
    if not whole.all():
        place = int(np.flatnonzero(~whole)[0])
        raise ValueError(f"{name} is {values[place]} in line {place + 2}, not a non-negative integer")
    back = np.flatnonzero(np.diff(values) < 0)
    if back.size:
        before, after = values[back[0]], values[back[0] + 1]
        raise ValueError(f"{name} decreases from {before} to {after} in line {back[0] + 3}")


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True
