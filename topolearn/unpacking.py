"""Packed bytes, unpacked as far as they can be what they say: a small file cannot fill the memory."""

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
BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)  # what packers raise
FREE = 2**28  # bytes up to which nobody asks how well they were packed
MOST_TIMES = 200  # a list of links is packed to a tenth, text to a third
CHUNK = 2**22


def unpack(raw: bytes, packer: str, *, free: int = FREE) -> bytes:
    """Return the bytes of a packed file.

    Parameters
    ----------
    raw : bytes
        The file.
    packer : {"gz", "bz2", "xz"}
    free : int
        Bytes up to which any file may grow.

    Raises
    ------
    ValueError
        When it grows beyond `free` and beyond 200 times its size, or half of the memory: it was made to fill that.
    OSError, EOFError, zlib.error, lzma.LZMAError
        When it is cut off or of another kind; see `BROKEN`.

    Examples
    --------
    >>> unpack(gzip.compress(b"1 2"), "gz")
    b'1 2'
    >>> unpack(gzip.compress(bytes(10**6)), "gz", free=10**5)
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: its 1,... bytes become more than ... bytes, ...
    """
    most = min(max(free, MOST_TIMES * len(raw)), usable_memory() // 2)
    chunks, size = [], 0
    with PACKERS[packer](io.BytesIO(raw)) as opened:
        while chunk := opened.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise InvalidValueError(
                    f"its {len(raw):,} bytes become more than {most:,} bytes, as only a file does that was made to "
                    "fill the memory: unpack it yourself if you trust it"
                )
            chunks.append(chunk)
    return b"".join(chunks)
