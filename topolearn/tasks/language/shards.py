"""Files of tokens: written once for a text and a tokenizer, then memory-mapped, whatever their size."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError
from topolearn.files import read_json, write_json
from topolearn.read_errors import reading
from topolearn.tasks.language.text import Text
from topolearn.tasks.language.tokenizer import Tokenizer

INDEX = "index.json"
FORMAT = 1
DTYPES = ("<u2", "<u4")  # of tokens
SHARD = 2**26  # tokens per file
GROUP = 2**24  # approximate number of characters that are encoded at a time


class TokenShards:
    """The tokens of a text, one document after another, each after the mark at its beginning.

    Parameters
    ----------
    folder : path
        A folder written by `write_shards`.
    verify : bool
        Whether to compare the contents of all files with their checksums, and not only their sizes.

    Attributes
    ----------
    index : dict
        The index written by `write_shards`: checksums, and the numbers of tokens, documents, words and bytes.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there are no shards, or a file has changed since it was written.

    Examples
    --------
    >>> import tempfile
    >>> from topolearn.tasks.language import Text, learn_tokenizer
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "train.txt").write_text("a dog runs\\n")
    >>> text = Text((folder / "train.txt",))
    >>> shards = write_shards(text, learn_tokenizer(["a dog runs"], 260), folder / "tokens")
    >>> shards.read(0, 4), shards.n_words
    (array([  0,  65, 221, 257]), 4)
    """

    def __init__(self, folder: str | Path, *, verify: bool = True) -> None:
        self.folder = Path(folder)
        if not (self.folder / INDEX).is_file():
            raise MissingFileError(f"there are no tokens in {self.folder}: write them with write_shards")
        self.index: dict[str, Any] = read_json(self.folder / INDEX)
        if self.index.get("format") != FORMAT:
            raise CorruptFileError(f"{self.folder} has tokens in another format: delete it to have it rebuilt")
        with reading(self.folder / INDEX, "an index of tokens", f"delete {self.folder} to have it rebuilt"):
            self._check_index()
            self._arrays = [self._opened(shard, verify=verify) for shard in self.index["shards"]]
        self._starts = np.cumsum([0, *map(len, self._arrays)])

    def _check_index(self) -> None:
        """Raise if the index lacks a number, or names files elsewhere.

        Raises
        ------
        KeyError, ValueError
        """
        counts = ("n_tokens", "n_documents", "n_words", "n_bytes", "end")
        numbers = [self.index[name] for name in counts] + [shard["n_tokens"] for shard in self.index["shards"]]
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("a count in it is not a non-negative integer")
        if self.index["dtype"] not in DTYPES or not isinstance(self.index["key"], str):
            raise ValueError(f"dtype={self.index['dtype']!r:.40} must be one of {', '.join(DTYPES)}")
        if any(Path(shard["file"]).name != shard["file"] for shard in self.index["shards"]):
            raise ValueError("it names a file in another folder")
        if sum(shard["n_tokens"] for shard in self.index["shards"]) != self.index["n_tokens"]:
            raise ValueError("the token counts of its files do not add up to its total")

    def _opened(self, shard: dict[str, Any], *, verify: bool) -> NDArray[Any]:
        file, dtype = self.folder / shard["file"], np.dtype(self.index["dtype"])
        expected = shard["n_tokens"] * dtype.itemsize
        if not file.is_file() or file.stat().st_size != expected:
            size = file.stat().st_size if file.is_file() else "no"
            raise CorruptFileError(
                f"{file} has {size} bytes instead of {expected}: delete {self.folder} to have it rebuilt"
            )
        if verify and _checksum(file) != shard["sha256"]:
            raise CorruptFileError(f"{file} has changed since it was written: delete {self.folder} to have it rebuilt")
        return np.memmap(file, dtype=dtype, mode="r", shape=(shard["n_tokens"],))

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def n_words(self) -> int:
        """Number of words and line ends, which both count in word-level perplexities."""
        return int(self.index["n_words"])

    @property
    def n_bytes(self) -> int:
        """Number of bytes of the text in UTF-8."""
        return int(self.index["n_bytes"])

    @property
    def key(self) -> str:
        """Hash of the text and the tokenizer: equal keys mean equal tokens."""
        return str(self.index["key"])

    @property
    def largest(self) -> int:
        """The largest token."""
        return max((int(array.max()) for array in self._arrays), default=0)

    def read(self, begin: int, end: int) -> NDArray[np.int64]:
        """Return the tokens from `begin` up to, but not including, `end`."""
        first = int(np.searchsorted(self._starts, begin, side="right")) - 1
        pieces = []
        for number in range(first, len(self._arrays)):
            start = int(self._starts[number])
            if start >= end:
                break
            pieces.append(self._arrays[number][max(begin - start, 0) : end - start])
        return np.concatenate(pieces).astype(np.int64)

    def document_starts(self) -> NDArray[np.int64]:
        """Return where documents begin: the positions of their marks."""
        marks = [
            np.flatnonzero(array == self.index["end"]) + start
            for array, start in zip(self._arrays, self._starts, strict=False)
        ]
        return np.concatenate(marks).astype(np.int64)


def write_shards(text: Text, tokenizer: Tokenizer, folder: Path, *, shard_tokens: int = SHARD) -> TokenShards:
    """Encode a text and write its tokens to files in a folder, which is created complete or not at all.

    Parameters
    ----------
    text : Text
    tokenizer : Tokenizer
    folder : Path
        Must not exist, but its parent must; no other process may write it at the same time.
    shard_tokens : int
        The maximum number of tokens per file.

    Returns
    -------
    TokenShards
    """
    aside = folder.with_name(f".{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)  # left over from a killed process
    aside.mkdir()
    try:
        write_json(aside / INDEX, _written(text, tokenizer, aside, shard_tokens))
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return TokenShards(folder, verify=False)


def cached_shards(text: Text, tokenizer: Tokenizer, cache_dir: Path) -> TokenShards:
    """Return the tokens of a text from the cache, or encode the text into it.

    Several processes may call this at once: one encodes, and the others wait.
    """
    from filelock import FileLock

    make_cache(cache_dir)
    folder = cache_dir / _key(text, tokenizer)[:20]
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            return write_shards(text, tokenizer, folder)
    return TokenShards(folder)


def make_cache(folder: Path) -> None:
    """Create the folder of a cache, unless it exists.

    Raises
    ------
    InvalidValueError
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidValueError(
            f"the cache {folder} cannot be created ({error.strerror}): choose another cache_dir"
        ) from None


def cache_to_resume(text: Text, tokenizer: Tokenizer, named: Path) -> Path:
    """Return the cache for a run that is resumed: the one named in its configuration, if that has the tokens.

    Otherwise it is `default_cache`: nothing is written to a folder that is named in a run from somebody else.
    """
    return named if (named / _key(text, tokenizer)[:20]).is_dir() else default_cache()


def default_cache() -> Path:
    """Return the default cache of tokens: ``topolearn/tokens`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "topolearn" / "tokens"


def _key(text: Text, tokenizer: Tokenizer) -> str:
    return hashlib.sha256(f"{FORMAT} {tokenizer.hash} {text.checksum()}".encode()).hexdigest()


def _written(text: Text, tokenizer: Tokenizer, folder: Path, shard_tokens: int) -> dict[str, Any]:
    """Write the files, and return the index."""
    dtype = np.dtype(DTYPES[tokenizer.n_tokens > 2**16])
    counts = {"n_tokens": 0, "n_documents": 0, "n_words": 0, "n_bytes": 0}
    files: list[Path] = []
    room = 0
    for tokens in _encoded(text, tokenizer, counts):
        left = np.asarray(tokens, dtype)
        while len(left):
            if not room:
                files.append(folder / f"{len(files):05}.bin")
                room = shard_tokens
            with files[-1].open("ab") as opened:
                opened.write(left[:room].tobytes())
            left, room = left[room:], room - min(room, len(left))
    shards = [
        {"file": file.name, "n_tokens": file.stat().st_size // dtype.itemsize, "sha256": _checksum(file)}
        for file in files
    ]
    known = {"format": FORMAT, "key": _key(text, tokenizer), "tokenizer": tokenizer.hash, "end": tokenizer.end}
    return known | counts | {"dtype": dtype.str, "shards": shards}


def _encoded(text: Text, tokenizer: Tokenizer, counts: dict[str, int]) -> Iterator[list[int]]:
    """Yield the tokens of groups of pieces, with a mark where a document begins, and update the counts."""
    begins, group, size = True, [], 0
    for piece, ends in text.pieces():
        group.append((piece, begins))
        begins, size = ends, size + len(piece)
        if size >= GROUP:
            yield _of_group(group, tokenizer, counts)
            group, size = [], 0
    yield _of_group(group, tokenizer, counts)


def _of_group(group: list[tuple[str, bool]], tokenizer: Tokenizer, counts: dict[str, int]) -> list[int]:
    tokens: list[int] = []
    for (piece, begins), encoded in zip(group, tokenizer.encode([piece for piece, _ in group]), strict=True):
        tokens += [tokenizer.end, *encoded] if begins else encoded
        counts["n_documents"] += begins
        counts["n_words"] += len(piece.split()) + piece.count("\n")
        counts["n_bytes"] += len(piece.encode())
    counts["n_tokens"] += len(tokens)
    return tokens


def _checksum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
