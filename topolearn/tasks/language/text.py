"""Text for language models: documents, read from files piece by piece."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from topolearn.checks import check_text
from topolearn.errors import CorruptFileError, InvalidValueError
from topolearn.read_errors import encoding_of, words_of
from topolearn.tasks.packages import hf_package

PIECE = 2**20  # approximate number of bytes of a document in memory at a time
COLUMN = "text"


@dataclass(frozen=True)
class Text:
    """Documents in files of plain text, JSON lines or Parquet, which may be mixed.

    A plain text file is one document. Each line of a ``.jsonl`` file and each row of a ``.parquet`` file is a document,
    whose text is in `column`. Plain files and JSON lines may be compressed (``.gz``).

    Attributes
    ----------
    files : tuple of Path
    column : str
    begin, end : float
        The range of each plain file that is read, as shares rounded to whole lines, to hold out the rest.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "notes.jsonl"
    >>> _ = path.write_text('{"text": "A first one."}\\n{"text": "Another."}\\n')
    >>> list(Text((path,)).pieces())
    [('A first one.', True), ('Another.', True)]
    """

    files: tuple[Path, ...]
    column: str = COLUMN
    begin: float = 0.0
    end: float = 1.0

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """Yield the text of all documents in pieces, and whether each piece ends a document.

        Raises
        ------
        CorruptFileError, InvalidValueError
            When a file cannot be read, is not UTF-8, has no such column, or contains no text.
        """
        for file in self.files:
            is_empty = True
            for piece, ends in self._pieces_of(file):
                is_empty = is_empty and not piece.strip()
                yield piece, ends
            if is_empty and self.begin:
                raise InvalidValueError(
                    f"no text begins in the last {1 - self.begin:.0%} of {file}: break it into lines, or use a folder "
                    "with train and val"
                )
            if is_empty:
                raise InvalidValueError(f"{file} contains no text: omit it, or add text")

    def checksum(self) -> str:
        """Return the sha256 of the files and the settings, which identifies derived files."""
        digest = hashlib.sha256(json.dumps([self.column, self.begin, self.end]).encode())
        for file in self.files:
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest() + _form(file).encode())
        return digest.hexdigest()

    def _pieces_of(self, file: Path) -> Iterator[tuple[str, bool]]:
        suffix = (file.with_suffix("") if file.suffix == ".gz" else file).suffix
        read: Callable[[Path], Iterator[tuple[str, bool]]]
        read = {".jsonl": self._json_lines, ".parquet": self._parquet}.get(suffix, self._plain)
        return read(file)

    def _plain(self, file: Path) -> Iterator[tuple[str, bool]]:
        """Yield groups of lines; text is only ever cut between lines."""
        size = sum(map(len, _lines(file)))
        first, last = round(self.begin * size), round(self.end * size)
        waiting: list[bytes] = []
        held = at = 0
        for line in _lines(file):
            if first <= at < last:  # a line belongs where it begins
                if held >= PIECE:
                    yield _decoded(b"".join(waiting), file), False
                    waiting, held = [], 0
                waiting.append(line)
                held += len(line)
            at += len(line)
        yield _decoded(b"".join(waiting), file), True

    def _json_lines(self, file: Path) -> Iterator[tuple[str, bool]]:
        for number, line in enumerate(_lines(file), 1):
            if not line.strip():
                continue
            content, place = _decoded(line, file), f"{file}, line {number}"
            try:
                row = json.loads(content)
            except (ValueError, RecursionError) as error:
                raise CorruptFileError(f"{place} is not JSON: {error}") from None
            if not isinstance(row, dict) or self.column not in row:
                known = ", ".join(map(repr, row)) if isinstance(row, dict) else type(row).__name__
                raise InvalidValueError(f"{place} has no text {self.column!r}, only {known}: name the text column")
            yield self._checked(row[self.column], place), True

    def _parquet(self, file: Path) -> Iterator[tuple[str, bool]]:
        parquet = hf_package("pyarrow.parquet")
        try:
            opened = parquet.ParquetFile(file)
        except Exception as error:  # pyarrow raises several kinds
            raise CorruptFileError(f"{file} is not a Parquet file: {error}") from None
        with opened:
            schema = opened.schema_arrow
            if self.column not in schema.names:
                raise InvalidValueError(
                    f"{file} has no column {self.column!r}, only {', '.join(schema.names)}: name the text column"
                )
            for number, value in enumerate(_values(opened, self.column, file), 1):
                text = _decoded(value, file) if isinstance(value, bytes) else value
                yield self._checked(text, f"{file}, row {number}"), True

    def _checked(self, value: Any, place: str) -> str:
        if not isinstance(value, str):
            what = "null" if value is None else f"{value!r:.40}"
            raise InvalidValueError(
                f"{place}: its {self.column!r} is {what}, not text: remove it, or name another column"
            )
        return check_text(place, value)


def _form(file: Path) -> str:
    """Return the ending that tells how a file is read; packed text of any other name is read like ``.txt.gz``."""
    return ".jsonl.gz" if file.name.endswith(".jsonl.gz") else file.suffix


def _values(opened: Any, column: str, file: Path) -> Iterator[Any]:
    """Yield the values of a column of a Parquet file."""
    batches = opened.iter_batches(columns=[column])
    while True:
        try:
            batch = next(batches, None)
            values = [] if batch is None else batch.column(0).to_pylist()
        except Exception as error:  # pyarrow raises several kinds
            raise CorruptFileError(f"{file} is damaged ({words_of(error)}): get it again") from None
        if batch is None:
            return
        yield from values


def _lines(file: Path) -> Iterator[bytes]:
    """Yield the lines of a file, plain or compressed, including line ends, without a byte order mark.

    Raises
    ------
    CorruptFileError
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            yield next(opened, b"").removeprefix(codecs.BOM_UTF8)
            yield from opened
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptFileError(f"{file} is cut off or is not a .gz file: {error}") from None


def _decoded(content: bytes, file: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        around = content[max(0, error.start - 10) : error.start + 10]
        raise CorruptFileError(
            f"{file} is not UTF-8, at byte {content[error.start]:#04x} in {around!r}: convert it, for example with "
            f"iconv -f {encoding_of(content)} -t UTF-8"
        ) from None
