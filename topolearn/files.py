"""Files that are written completely or not at all, files that grow, and JSON."""

import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError

_ASIDE = re.compile(r"\.[0-9a-f]{16}(\.[^.]*)?$")  # the names of the temporary files of `written_aside`


def check_folder(path: Path) -> None:
    """Raise an error if a file cannot be written because its directory does not exist, or it is one itself.

    Raises
    ------
    MissingFileError, InvalidValueError
    """
    if path.is_dir():
        raise InvalidValueError(f"{str(path)!r} is a directory: name a file, for example one in it")
    if not path.parent.is_dir():
        raise MissingFileError(f"there is no directory {str(path.parent)!r} to write {path.name!r} into: create it")


@contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path next to `path`; move it to `path` when the block succeeds, delete it when it fails.

    Readers see the old file or the new one, never a partial one. The temporary path has the suffix of `path`. A
    symbolic link is kept, and the file that it points to is replaced. If `path` is not a regular file, such as
    ``/dev/stdout`` or a named pipe, the content is written into it.

    Raises
    ------
    MissingFileError, InvalidValueError
        When the directory of `path` does not exist, or `path` is a directory.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "note.txt")
    >>> with written_aside(path) as aside:
    ...     _ = aside.write_text("whole")
    >>> path.read_text()
    'whole'
    """
    path = Path(path)
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    check_folder(path)
    is_stream = path.exists() and not path.is_file() and not path.is_dir()
    folder = Path(tempfile.gettempdir()) if is_stream else path.parent
    aside = folder / f".{secrets.token_hex(8)}{path.suffix}"
    try:
        yield aside
        if is_stream:
            with aside.open("rb") as written, path.open("wb") as stream:
                shutil.copyfileobj(written, stream)
        else:
            with aside.open("rb+") as written:
                os.fsync(written.fileno())  # else a power failure could leave an empty file under the new name
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def is_aside(name: str) -> bool:
    """Return whether a file has the name of a temporary path of `written_aside`.

    Examples
    --------
    >>> is_aside(".0123456789abcdef.csv"), is_aside(".git")
    (True, False)
    """
    return _ASIDE.match(name) is not None


def remove_asides(paths: Iterable[Path]) -> None:
    """Remove temporary files that killed processes left behind; no other process may be writing there."""
    for path in paths:
        if is_aside(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def append_bytes(path: Path, data: bytes) -> int:
    """Append bytes to a file, all or none; return its size.

    Once this returns they survive the death of the process, but not a power failure.

    Raises
    ------
    OSError
        When they cannot be written, as on a full disk; the file is then unchanged.
    """
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        end = os.fstat(file).st_size
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(file, left) :]
        except BaseException:  # including Ctrl-C
            os.ftruncate(file, end)
            raise
        return end + len(data)
    finally:
        os.close(file)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write values as JSON, completely or not at all."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Return the values in a JSON file.

    Raises
    ------
    MissingFileError, CorruptFileError
        When the file does not exist, or is truncated or not JSON.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "values.json")
    >>> write_json(path, {"lr": 0.1, "schedule": None})
    >>> read_json(path)
    {'lr': 0.1, 'schedule': None}
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFileError(f"there is no file {path}") from None
    except (ValueError, OSError, RecursionError) as error:  # bad JSON or UTF-8, a directory, a million brackets
        raise CorruptFileError(f"{path} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise CorruptFileError(f"{path} contains a {type(values).__name__}, not an object of named values")
    return values
