"""Text for language models: documents, read from files piece by piece."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from topolearn.errors import CorruptFileError, InvalidValueError
from topolearn.tasks.packages import hf_package

PIECE = 2**20  # bytes of a document, about, that are in memory at a time
COLUMN = "text"


@dataclass(frozen=True)
class Text:
    """Documents in files of one kind or several: plain text, JSON lines, or Parquet.

    A plain text file is one document; so is each line of a ``.jsonl`` file, and each row of a ``.parquet`` file, whose
    text is its `column`. Plain files and JSON lines may be compressed (``.gz``).

    Attributes
    ----------
    files : tuple of Path
    column : str
    begin, end : float
        The share of each plain file that is read, rounded to whole lines: for a part that is held out.

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
        """Yield the text of all documents, each in one piece or several, and whether a document ends with it.

        Raises
        ------
        CorruptFileError, InvalidValueError
            When a file cannot be read, is not UTF-8, has no such column, or holds no text.
        """
        for file in self.files:
            is_empty = True
            for piece, ends in self._pieces_of(file):
                is_empty = is_empty and not piece.strip()
                yield piece, ends
            if is_empty:
                raise InvalidValueError(f"{file} holds no text: leave it out, or put text into it")

    def checksum(self) -> str:
        """Return the sha256 of what the files and the settings are, by which derived files are found again."""
        digest = hashlib.sha256(json.dumps([self.column, self.begin, self.end]).encode())
        for file in self.files:
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest() + file.suffix.encode())
        return digest.hexdigest()

    def _pieces_of(self, file: Path) -> Iterator[tuple[str, bool]]:
        suffix = (file.with_suffix("") if file.suffix == ".gz" else file).suffix
        read: Callable[[Path], Iterator[tuple[str, bool]]]
        read = {".jsonl": self._json_lines, ".parquet": self._parquet}.get(suffix, self._plain)
        return read(file)

    def _plain(self, file: Path) -> Iterator[tuple[str, bool]]:
        """Yield groups of lines: a cut is always before the beginning of a line."""
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
            try:
                row = json.loads(_decoded(line, file))
            except json.JSONDecodeError as error:
                raise CorruptFileError(f"{file}, line {number} is not JSON: {error}") from None
            if not isinstance(row, dict) or not isinstance(row.get(self.column), str):
                known = ", ".join(map(repr, row)) if isinstance(row, dict) else type(row).__name__
                raise InvalidValueError(
                    f"{file}, line {number} has no text {self.column!r} but {known}: name its column"
                )
            yield row[self.column], True

    def _parquet(self, file: Path) -> Iterator[tuple[str, bool]]:
        parquet = hf_package("pyarrow.parquet")
        try:
            opened = parquet.ParquetFile(file)
        except Exception as error:  # of the package, which has several
            raise CorruptFileError(f"{file} is not a Parquet file: {error}") from None
        with opened:
            names = opened.schema_arrow.names
            if self.column not in names:
                raise InvalidValueError(f"{file} has no column {self.column!r} but {', '.join(names)}: name its column")
            for batch in opened.iter_batches(columns=[self.column]):
                for text in batch.column(0).to_pylist():
                    yield str(text or ""), True


def _lines(file: Path) -> Iterator[bytes]:
    """Yield the lines of a file, plain or compressed, with their ends.

    Raises
    ------
    CorruptFileError
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            yield from opened
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptFileError(f"{file} is cut off or is not a .gz file: {error}") from None


def _decoded(content: bytes, file: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        around = content[max(0, error.start - 10) : error.start + 10]
        raise CorruptFileError(
            f"{file} is not UTF-8, at the byte {content[error.start]:#04x} in {around!r}: convert it, as by "
            f"iconv -f LATIN1 -t UTF-8"
        ) from None
