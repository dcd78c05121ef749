"""Decompression with a limit: a small file cannot fill the memory."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any

from topolearn.believable import usable_memory
from topolearn.errors import InvalidValueError

PACKERS: dict[str, Callable[[Any], Any]] = {
    "gz": lambda file: gzip.GzipFile(fileobj=file),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)  # what decompressors raise
FREE = 2**28  # bytes up to which any compression ratio is accepted
MOST_TIMES = 200  # a list of links shrinks to a tenth, text to a third
CHUNK = 2**22


def unpack(raw: bytes, packer: str, *, free: int = FREE) -> bytes:
    """Decompress the bytes of a file.

    Parameters
    ----------
    raw : bytes
        The content of the file.
    packer : {"gz", "bz2", "xz"}
    free : int
        The size in bytes up to which any file may grow.

    Raises
    ------
    ValueError
        When it grows beyond `free` and 200 times its size, or beyond half of the memory, like a decompression bomb.
    OSError, EOFError, zlib.error, lzma.LZMAError
        When it is truncated or of another format; see `BROKEN`.

    Examples
    --------
    >>> unpack(gzip.compress(b"1 2"), "gz")
    b'1 2'
    >>> unpack(gzip.compress(bytes(10**6)), "gz", free=10**5)
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: its 1,... bytes expand to more than ... bytes, ...
    """
    most = min(max(free, MOST_TIMES * len(raw)), usable_memory() // 2)
    chunks, size = [], 0
    with PACKERS[packer](io.BytesIO(raw)) as opened:
        while chunk := opened.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise InvalidValueError(
                    f"its {len(raw):,} bytes expand to more than {most:,} bytes, which only a file made to fill the "
                    "memory does: decompress it yourself if you trust it"
                )
            chunks.append(chunk)
    return b"".join(chunks)
