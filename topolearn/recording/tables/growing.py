"""The tables of a run: CSV files that grow row by row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topolearn.errors import CorruptFileError
from topolearn.files import append_bytes, written_aside
from topolearn.read_errors import reading
from topolearn.recording.tables.checks import CURE, check_cells, check_table
from topolearn.spreadsheets import as_cell, from_cell, quoting, with_names

if TYPE_CHECKING:
    import pandas as pd

    from topolearn.recording.integrity.manifest import Manifest

METRICS, LAYERS, NETWORKS, MEASURED = "metrics.csv", "layers.csv", "network.csv", "measures.csv"
Row = Mapping[str, Any]


class Table:
    """A CSV file that grows by whole rows; `as_cell` escapes text that a spreadsheet would take for a formula.

    Rows are written immediately, so that a killed process loses none. When a row has a new column, the file is
    rewritten with that column.

    Parameters
    ----------
    path : Path
        The file; existing content is kept, except for a last line that was cut off.
    manifest : Manifest, optional
        The manifest of the run, which is notified before the file is rewritten.

    Examples
    --------
    >>> import tempfile
    >>> table = Table(Path(tempfile.mkdtemp(), "metrics.csv"))
    >>> table.append([{"step": 1, "loss": 0.5}, {"step": 2, "loss": float("nan"), "lr": 0.1}])
    >>> print(table.path.read_text())
    step,loss,lr
    1,0.5,
    2,nan,0.1
    """

    def __init__(self, path: Path, manifest: Manifest | None = None) -> None:
        self.path, self._manifest = path, manifest
        self.columns: list[str] = []
        whole = whole_lines(path)
        if whole:
            self.columns = [from_cell(name) for name in next(csv.reader(io.StringIO(whole)))]
            if path.stat().st_size != len(whole.encode()):
                self._write(whole)

    def append(self, rows: Iterable[Row]) -> None:
        """Append rows; missing values and None become empty cells.

        Raises
        ------
        OSError
            When the file cannot be written, for example because the disk is full; the file is then unchanged.
        """
        rows = list(rows)
        new = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in self.columns]
        columns = [*self.columns, *new]
        lines = "".join(_line(row.get(name) for name in columns) for row in rows)
        if new:
            before = [[*row, *[""] * len(new)] for row in self._rows()]
            self._write(_line(columns) + "".join(map(_line, before)) + lines)
            self.columns = columns
        elif rows:
            append_bytes(self.path, lines.encode())

    def cut(self, step: float) -> None:
        """Remove the rows written after a step, by the column ``n_steps`` if a row has it, else by ``step``.

        Raises
        ------
        CorruptFileError
            When the file is not a table of a run.
        """
        rows = [dict(zip(self.columns, row, strict=False)) for row in self._rows()]
        try:
            kept = [row for row in rows if int(row.get("n_steps") or row["step"]) <= step]
        except (KeyError, ValueError):
            raise CorruptFileError(f"{self.path} is not a table of a run: it has no numeric column 'step'") from None
        if len(kept) < len(rows):
            self._write(_line(self.columns) + "".join(_line(row.values()) for row in kept))

    def _rows(self) -> list[list[str]]:
        """Return the rows as text, without the header and with the spreadsheet escapes removed."""
        rows = list(csv.reader(io.StringIO(whole_lines(self.path))))[1:]
        return [[from_cell(cell) for cell in row] for row in rows]

    def _write(self, text: str) -> None:
        if self._manifest is not None and self.path.is_file():
            self._manifest.loosen(self.path.name)
        with written_aside(self.path) as aside:
            aside.write_text(text, encoding="utf-8")


def whole_lines(path: Path) -> str:
    """Return the text of a file up to its last line break, as what follows was cut off; empty if there is no file."""
    if not path.is_file():
        return ""
    text = codecs.getincrementaldecoder("utf-8")().decode(path.read_bytes())  # accepts a cut-off last character
    return text[: text.rfind("\n") + 1]


def read_table(file: Path, *, key: str = "step", **options: Any) -> pd.DataFrame:
    """Return a table of a run, which must have a column `key`; empty if the file has no rows yet or does not exist.

    Numbers are read exactly. A last line that was cut off is ignored.

    Raises
    ------
    CorruptFileError
        When the file is not a table of a run.
    """
    import pandas as pd

    with reading(file, "a readable table", CURE):
        text = whole_lines(file)
        if not text:
            if file.is_dir():
                raise ValueError("it is a folder")
            return pd.DataFrame({key: []})
        check_cells(text)
        is_checked = "dtype" not in options
        if is_checked:  # a layer may be called "0" or "NA"
            numbers = [name for name in next(csv.reader(io.StringIO(text)), []) if name != "layer"]
            no_number = {"na_values": {name: ["", "nan"] for name in numbers}, "keep_default_na": False}
            options = {"dtype": {"layer": str}, **no_number, **options}
        table = pd.read_csv(io.StringIO(text), **to_the_last_bit(pd.__version__), **options)
        table = with_names(table)
        if key not in table:
            raise CorruptFileError(f"{file} is not a table of a run: it has no column {key!r}")
        if is_checked:
            check_table(file.name, table)
    return table


def last_index(file: Path) -> int:
    """Return the number of the last update in ``network.csv``, 0 if it has none; `read_table` checks the rest."""
    text = whole_lines(file) if file.is_file() else ""
    header, _, rows = text.partition("\n")
    if not header.startswith("index,"):
        return 0
    word = rows[rows[:-1].rfind("\n") + 1 :].partition(",")[0]
    return int(word) if word.isdecimal() else 0


def to_the_last_bit(version: str) -> dict[str, Any]:
    """Return the option that makes pandas read numbers exactly, which is its default from version 3 on."""
    return {} if int(version.partition(".")[0]) >= 3 else {"float_precision": "round_trip"}


def not_finite(file: Path) -> dict[str, list[int]]:
    """Return, by column, the steps at which a table has NaN or infinite values; empty cells do not count."""
    read_table(file)  # raises if it is not a table of numbers
    table = read_table(file, dtype=str, keep_default_na=False)
    bad = {str(name): table["step"][table[name].isin(("nan", "inf", "-inf"))] for name in table}
    return {name: steps.astype(int).tolist() for name, steps in bad.items() if len(steps)}


def _line(values: Iterable[Any]) -> str:
    buffer = io.StringIO()
    cells = [as_cell(value) for value in values]
    csv.writer(buffer, lineterminator="\n", quoting=quoting(cells)).writerow(cells)
    return buffer.getvalue()
