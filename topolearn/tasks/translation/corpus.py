"""Parallel text: sentences in two languages, read from two files that are aligned line by line."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from topolearn.checks import check_size
from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError
from topolearn.read_errors import encoding_of, reading
from topolearn.unpacking import BROKEN, unpack

SHOWN = 5  # line numbers that an error names at most


@dataclass(frozen=True)
class ParallelText:
    """Sentences and their translations.

    Attributes
    ----------
    source, target : tuple of str
        Sentence i of one is the translation of sentence i of the other.
    files : tuple of Path
        The files of the two; sentence i is line i + 1 of each.

    Examples
    --------
    >>> text = ParallelText(("A man .", "A dog ."), ("Ein Mann .", "Ein Hund ."), (Path("train.en"), Path("train.de")))
    >>> len(text), text.first(1).target
    (2, ('Ein Mann .',))
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    files: tuple[Path, Path]

    def __len__(self) -> int:
        return len(self.source)

    def first(self, n: int) -> "ParallelText":
        """Return the first n pairs, or all if there are fewer.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When n is not an integer of at least 1.
        """
        n = check_size("n", n)
        return ParallelText(self.source[:n], self.target[:n], self.files)


@dataclass(frozen=True)
class Corpus:
    """Parallel text in three splits.

    Attributes
    ----------
    name : str
    languages : tuple of str
        The file suffixes of the source language and the target language, such as ``("en", "de")``.
    train, val, test : ParallelText
    """

    name: str
    languages: tuple[str, str]
    train: ParallelText
    val: ParallelText
    test: ParallelText

    def checksum(self) -> str:
        """Return the sha256 of all sentences in order, regardless of names."""
        whole = hashlib.sha256()
        for text in (self.train, self.val, self.test):
            for sentences in (text.source, text.target):
                whole.update("".join(f"{sentence}\n" for sentence in sentences).encode())
                whole.update(b"\0")
        return whole.hexdigest()


def sentences_of(content: bytes, origin: str | Path) -> list[str]:
    r"""Return the lines of a text.

    Only line feeds end a line, since other separators (a vertical tab, U+0085, U+2028) occur within sentences.
    Whitespace around a sentence is stripped and each run of whitespace becomes one space, so that a sentence never
    contains a separator. Case is preserved.

    Parameters
    ----------
    content : bytes
        UTF-8, with or without a byte order mark.
    origin : str or Path
        Where the text comes from, for error messages.

    Raises
    ------
    CorruptFileError
        When it is not UTF-8; the message names the line.

    Examples
    --------
    >>> sentences_of("A  man\u2028in a hat. \r\nZwei Hunde.\n".encode(), "example.txt")
    ['A man in a hat.', 'Zwei Hunde.']
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise CorruptFileError(
            f"{origin}, line {line}: byte 0x{byte:02x} is not UTF-8: convert the text, for example with "
            f"iconv -f {encoding_of(content)} -t UTF-8"
        ) from None
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [" ".join(line.split()) for line in lines]


def read_parallel(source: Path, target: Path, checksums: tuple[str | None, str | None] = (None, None)) -> ParallelText:
    """Read two aligned files, each plain or compressed with gzip (``.gz``).

    Parameters
    ----------
    source, target : Path
    checksums : tuple of str or None
        The sha256 of each uncompressed file, if known.

    Raises
    ------
    MissingFileError, CorruptFileError
        When a file is missing, cut off or not UTF-8, or does not match its checksum.
    InvalidValueError
        When the files differ in their number of lines, have empty lines, or have no lines.
    """
    texts = []
    for path, checksum in zip((source, target), checksums, strict=True):
        content = _content(path)
        if checksum not in (None, hashlib.sha256(content).hexdigest()):
            raise CorruptFileError(f"{path} is not the expected file, as its checksum differs: get it again")
        texts.append(sentences_of(content, path))
    _check_aligned(source, target, len(texts[0]), len(texts[1]))
    for path, sentences in zip((source, target), texts, strict=True):
        _check_no_empty_line(path, sentences)
    return ParallelText(tuple(texts[0]), tuple(texts[1]), (source, target))


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise MissingFileError(f"there is no text file {path}")
    with reading(path, "a readable text file", "get it again"):
        raw = path.read_bytes()
    if path.suffix != ".gz":
        return raw
    try:
        return unpack(raw, "gz")
    except BROKEN as error:
        raise CorruptFileError(f"{path} is cut off or not gzip ({error}): get it again") from None


def _check_aligned(source: Path, target: Path, n_source: int, n_target: int) -> None:
    if n_source != n_target:
        raise InvalidValueError(
            f"{source} has {n_source} lines and {target} {n_target}: remove the lines without a translation, so that "
            "line n of one file is the translation of line n of the other"
        )
    if not n_source:
        raise InvalidValueError(f"{source} and {target} have no lines: add text to learn from")


def _check_no_empty_line(path: Path, sentences: list[str]) -> None:
    empty = [number for number, sentence in enumerate(sentences, 1) if not sentence]
    if empty:
        shown = ", ".join(map(str, empty[:SHOWN])) + (", ..." if len(empty) > SHOWN else "")
        raise InvalidValueError(
            f"{path} has {len(empty)} empty line{'s' if len(empty) > 1 else ''} (line {shown}): remove the same lines "
            "from both files"
        )
