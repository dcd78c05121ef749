"""Read the columns of a large text chunk by chunk, and encode their names as integers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from topolearn.graph.reading.columns import Places
from topolearn.graph.reading.content import Column, Options, distinct
from topolearn.graph.reading.dialect import Dialect, reject_line
from topolearn.graph.reading.strict import strictly
from topolearn.graph.reading.text import Text
from topolearn.terminal import progress_bar

CHUNK = 500_000  # rows
_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")
_THOUSANDS = r"[+-]?[1-9]\d{0,2},\d{3}"  # or three decimals
_PLAIN = b"0123456789\n\t ,;|"


@dataclass(frozen=True)
class Table:
    """The requested columns, and the distinct values of Gephi's column Type."""

    source: Column
    target: Column
    weights: NDArray[np.float64] | None
    types: frozenset[str]


def read_table(text: Text, dialect: Dialect, places: Places, options: Options, *, n_header: int) -> Table:
    """Return columns of a text; names are integers if all names of a column are (7, not 007), else strings.

    Raises
    ------
    CorruptFileError
        When a line has more or fewer columns than the first lines, an empty name, or a weight that is not a number.
    InvalidValueError
        When the comma in a weight may separate thousands or decimals.
    """
    reader = _Reader(text, dialect, places, options, n_header)
    if not text.rows.translate(None, _PLAIN) and not re.search(rb"(?<!\d)0\d", text.rows) and not n_header:
        table = reader.integers()
        if table is not None:
            return table
    return reader.strings()


@dataclass(frozen=True)
class _Commas:
    """Commas in weights: the first that may separate thousands, and whether another can only separate decimals."""

    row: int = -1
    text: str = ""
    are_decimal: bool = False

    @property
    def is_ambiguous(self) -> bool:
        """Whether a weight can be read in two ways, and no other weight decides which."""
        return self.row >= 0 and not self.are_decimal

    def seen_in(self, column: Any, n: int) -> _Commas:
        """Return what is known after one more chunk of weights, which begins at row n."""
        has = column.str.contains(",", regex=False)
        open_ = column.str.fullmatch(_THOUSANDS)
        decimal = self.are_decimal or bool((has & ~open_).any())
        if self.row >= 0 or not open_.any():
            return replace(self, are_decimal=decimal)
        first = int(open_.to_numpy().argmax())
        return _Commas(n + first, column.iloc[first], decimal)


@dataclass(frozen=True)
class _Reader:
    text: Text
    dialect: Dialect
    places: Places
    options: Options
    n_header: int

    def integers(self) -> Table | None:
        """Return columns of integers; None if some are not, or lines differ in length."""
        columns: list[list[NDArray[np.int64]]] = [[], [], []]
        try:
            for chunk in self._chunks("int64"):
                for column, place in zip(columns, self._wanted, strict=False):
                    column.append(chunk[place].to_numpy())
        except (ValueError, OverflowError):  # pandas' ParserError is a ValueError
            return None
        arrays = [np.concatenate(column) for column in columns if column]
        weights = arrays[2].astype(np.float64) if self.places.weight is not None else None
        return Table(distinct(arrays[0]), distinct(arrays[1]), weights, frozenset())

    def strings(self) -> Table:
        """Return columns of any kind."""
        import pandas as pd

        known: tuple[dict[str, int], dict[str, int]] = ({}, {})
        codes: tuple[list[Any], list[Any]] = ([], [])
        weights: list[Any] = []
        types: set[str] = set()
        commas = _Commas()
        n = 0
        try:
            for chunk in self._chunks(str):
                self._reject_short(chunk, n)
                for place, table, column in zip(self._wanted[:2], known, codes, strict=True):
                    numbers, names = pd.factorize(chunk[place])
                    mine = [table.setdefault(name.strip(), len(table)) for name in names.tolist()]
                    if "" in table or any("\n" in name for name in names):
                        self._reject_names(chunk[place], n)
                    column.append(np.array(mine, dtype=np.int64)[numbers])
                if self.places.weight is not None:
                    weights.append(self._weights(chunk[self.places.weight], n))
                    commas = commas.seen_in(chunk[self.places.weight].str.strip(), n)
                if self.places.direction is not None:
                    types |= {str(kind).strip().lower() for kind in chunk[self.places.direction].unique()}
                n += len(chunk)
        except pd.errors.ParserError as error:
            self._reject_parsed(error)
        if commas.is_ambiguous:
            self._ask_about_comma(commas)
        sides = [
            _column(np.concatenate(c or [np.empty(0, np.int64)]), list(t)) for c, t in zip(codes, known, strict=True)
        ]
        return Table(sides[0], sides[1], np.concatenate(weights) if weights else None, frozenset(types))

    @property
    def _wanted(self) -> list[int]:
        weight = [] if self.places.weight is None else [self.places.weight]
        return [self.places.source, self.places.target, *weight]

    def _chunks(self, dtype: Any) -> Iterator[Any]:
        import pandas as pd

        sep, rows = self.dialect.sep, self.text.rows
        if sep is not None and len(sep) > 1:
            rows, sep = rows.replace(sep.encode(), b"\x1f"), "\x1f"
        total = rows.count(b"\n") if self.options.progress else None
        bar = progress_bar(total=total, unit="line", unit_scale=True, desc=f"read {self.options.path}", delay=2,
                   disable=not self.options.progress)  # fmt: skip
        with strictly(), bar, pd.read_csv(
            io.BytesIO(rows), sep=r"\s+" if sep is None else sep, header=None, skiprows=self.n_header,
            names=list(range(self.dialect.width)), dtype=dtype, na_filter=False, chunksize=CHUNK, index_col=False,
            skipinitialspace=True,
        ) as chunks:  # fmt: skip
            for chunk in chunks:
                yield chunk
                bar.update(len(chunk))

    def _weights(self, column: Any, n: int) -> NDArray[np.float64]:
        import pandas as pd

        values = pd.to_numeric(column.str.strip().str.replace(",", "."), errors="coerce").to_numpy(dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            line, _ = self._line(n + int(bad[0]))
            self.options.reject(
                f"has a weight that is not a finite number in line {line}: {column.iloc[int(bad[0])]!r}"
            )
        return values

    def _ask_about_comma(self, commas: _Commas) -> NoReturn:
        line, _ = self._line(commas.row)
        self.options.ask(
            f"has the weight {commas.text!r} in line {line}, whose comma may separate thousands or decimals: write "
            f"{commas.text.replace(',', '')!r} or {commas.text.replace(',', '.')!r}"
        )

    def _line(self, row: int) -> tuple[int, str]:
        return next(self.text.numbered(1, start=row + self.n_header))

    def _reject_short(self, chunk: Any, n: int) -> None:
        if self.dialect.sep is None and (chunk[self.dialect.width - 1] == "").any():
            row = int((chunk[self.dialect.width - 1] == "").argmax())
            number, line = self._line(n + row)
            reject_line(number, line, len(line.split()), self.dialect.width, self.dialect.sep, self.options)

    def _reject_names(self, column: Any, n: int) -> None:
        bad = (column.str.strip() == "") | column.str.contains("\n", regex=False)
        number, line = self._line(n + int(bad.argmax()))
        if column[bad].str.contains("\n", regex=False).any():
            self._reject_quote()
        reject_line(number, line, 1, self.dialect.width, self.dialect.sep, self.options)

    def _reject_parsed(self, error: Exception) -> None:
        if match := re.search(r"in line (\d+), saw (\d+)", str(error)):
            number, line = next(self.text.numbered(1, start=int(match[1]) - 1))
            reject_line(number, line, int(match[2]), self.dialect.width, self.dialect.sep, self.options)
        if "quote" in str(error) or "string" in str(error):
            self._reject_quote()
        self.options.reject(f"cannot be read: {error}")

    def _reject_quote(self) -> None:
        odd = ((i, line) for i, line in self.text.numbered() if line.count('"') % 2)
        number, line = next(odd, (0, ""))
        self.options.reject(
            f"cannot be read: line {number} is {line[:60]!r}; it opens a quote that is never closed: double the quote "
            'if it belongs to a name, as in "5"" disk"'
        )


def _column(codes: NDArray[np.int64], names: list[str]) -> Column:
    """Return a column of integers if all names are integers, else of strings."""
    if names and all(map(_INTEGER.fullmatch, names)):
        values = np.array(names, dtype=np.int64)
        order = np.argsort(values)
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        return Column(place[codes], values[order])
    return Column(codes, names)
