"""Normalise text files: any encoding, line ending and comment style."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from topolearn.graph.reading.content import Options

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark begins it
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Text:
    """A text in UTF-8 with ``\\n`` line ends: the whole of it, and its rows without comments and blank lines."""

    whole: bytes
    rows: bytes
    comments: tuple[str, ...]  # without their leading marks
    n_late: int  # comments after the first row
    encoding: str
    marks: str

    def numbered(self, n: int | None = None, start: int = 0) -> Iterator[tuple[int, str]]:
        """Yield the rows with their line numbers in the file."""
        pattern = re.compile(rb"[^\n]*\n")
        lines = (match[0] for match in pattern.finditer(self.whole))
        kept = ((i, line) for i, line in enumerate(lines, start=1) if not _is_skipped(line, self.marks))
        for i, line in islice(kept, start, None if n is None else start + n):
            yield i, line.decode().rstrip("\n")


def read_text(data: bytes, options: Options) -> Text:
    """Return bytes as text, with comment lines separated from the rows.

    Raises
    ------
    CorruptFileError
        When the bytes are not text in the requested encoding, or in any of those tried.
    """
    data, encoding = _in_utf8(data, options)
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.endswith(b"\n"):
        data += b"\n"
    skipped = re.compile(rb"^[ \t]*(?:[" + re.escape(options.comments.encode()) + rb"][^\n]*)?\n", re.MULTILINE)
    if not options.comments:
        skipped = re.compile(rb"^[ \t]*\n", re.MULTILINE)
    comments, n_late, end = [], 0, 0
    for match in skipped.finditer(data):
        comment = match[0].decode().strip().lstrip(options.comments).strip()
        is_late = match.start() != end
        end = match.end() if not is_late else -1
        if match[0].strip():
            comments.append(comment)
            n_late += is_late
    rows = skipped.sub(b"", data) if comments or skipped.search(data) else data
    return Text(data, rows, tuple(comments), n_late, encoding, options.comments)


def _in_utf8(data: bytes, options: Options) -> tuple[bytes, str]:
    """Return bytes as UTF-8 without a byte-order mark, and their original encoding."""
    if options.encoding is not None:
        try:
            return data.decode(options.encoding).lstrip("\ufeff").encode(), options.encoding
        except (LookupError, UnicodeError) as error:
            options.reject(f"cannot be decoded with encoding={options.encoding!r} ({error})")
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            try:
                return data.decode(encoding).lstrip("\ufeff").encode(), encoding.upper()
            except UnicodeError as error:
                options.reject(f"begins like {encoding.upper()} text but is not ({error}): save it as UTF-8")
    if b"\0" in data[:100_000]:
        options.reject(
            "is a binary file of an unknown format: pass a list of links, a matrix, or a .mtx, .gml, .graphml, .net, "
            ".npz or .npy file"
        )
    if data.isascii():
        return data, "ASCII"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        # Windows-1252 has letters where Latin-1 has control characters.
        name = "cp1252" if re.search(rb"[\x80-\x9f]", data) else "latin-1"
        return data.decode(name, errors="replace").encode(), "Windows-1252" if name == "cp1252" else "Latin-1"
    return data, "UTF-8"


def _is_skipped(line: bytes, marks: str) -> bool:
    bare = line.strip(b" \t\n")
    return not bare or bare[:1] in {mark.encode() for mark in marks}
