"""Errors of readers: one line that names the file, the problem and the fix."""

import codecs
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from topolearn.errors import CorruptFileError, MissingFileError, MissingPackageError, TopolearnError

MOST = 300  # characters of a reason


@contextmanager
def reading(path: str | os.PathLike[str], what: str, cure: str) -> Iterator[None]:
    """Make all errors of a block that reads a file name the file, what it should be, and what to do.

    Errors of topolearn keep their type, and get the name of the file if they lack it: an invalid value in a
    configuration still raises `InvalidValueError`. What parsers raise on a broken file becomes a `CorruptFileError`.

    Parameters
    ----------
    path : path
    what : str
        What the file should be, such as "a checkpoint of topolearn".
    cure : str
        What to do if it is not.

    Raises
    ------
    MissingFileError, CorruptFileError, TopolearnError

    Examples
    --------
    >>> with reading("runs/a/summary.json", "the summary of a run", "resume the run"):
    ...     {}["complete"]
    Traceback (most recent call last):
    topolearn.errors.CorruptFileError: runs/a/summary.json is not the summary of a run (no 'complete'): resume the run
    """
    try:
        yield
    except MissingPackageError:
        raise
    except TopolearnError as error:
        if os.fspath(path) in str(error):
            raise
        raise type(error)(f"{os.fspath(path)}: {error}") from None
    except FileNotFoundError:
        raise MissingFileError(f"there is no file {os.fspath(path)}: {cure}") from None
    except (MemoryError, PermissionError):  # the system's own message is complete
        raise
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOMEM):
            raise  # the file itself is fine
        raise CorruptFileError(f"{os.fspath(path)} is not {what} ({words_of(error)}): {cure}") from None
    except Exception as error:  # parsers raise anything on a broken file
        raise CorruptFileError(f"{os.fspath(path)} is not {what} ({words_of(error)}): {cure}") from None


def encoding_of(content: bytes) -> str:
    """Return the likely encoding of text that is not UTF-8, for messages.

    Examples
    --------
    >>> encoding_of("a dog".encode("utf-16")), encoding_of("Grüße".encode("latin-1"))
    ('UTF-16', 'ISO-8859-1')
    """
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return "UTF-16" if is_wide else "ISO-8859-1"


def words_of(error: BaseException) -> str:
    """Return the message of an error as one line of limited length.

    Examples
    --------
    >>> words_of(KeyError("n_steps")), words_of(ValueError("a line\\nand another")), words_of(EOFError())
    ("no 'n_steps'", 'a line and another', 'EOFError')
    """
    words = " ".join("".join(each if each.isprintable() else " " for each in str(error)).split())
    if isinstance(error, KeyError):
        words = f"no {words}"
    if isinstance(error, OSError) and error.strerror:
        words = error.strerror
    return words[:MOST] or type(error).__name__
