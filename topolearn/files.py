"""Files that are whole or not there, files that grow, and JSON."""

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

from topolearn.errors import CorruptFileError, MissingFileError

_ASIDE = re.compile(r"\.[0-9a-f]{16}(\.[^.]*)?$")  # as `written_aside` names its files


def check_folder(path: Path) -> None:
    """Refuse a file in a directory that does not exist.

    Raises
    ------
    MissingFileError
    """
    if not path.parent.is_dir():
        raise MissingFileError(f"there is no directory {str(path.parent)!r} to write {path.name!r} into: create it")


@contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it onto `path` when the block ends, forget it when it fails.

    Readers see the old file or the new one, never half of one. The temporary path has the suffix of `path`. A symbolic
    link stays one, and the file that it names is replaced; into what is not a regular file, such as ``/dev/stdout`` or
    a named pipe, the content is written.

    Raises
    ------
    MissingFileError
        When the directory of `path` does not exist.

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
                os.fsync(written.fileno())  # else a power cut could leave the new name on an empty file
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def remove_asides(paths: Iterable[Path]) -> None:
    """Remove those of some files that killed processes were writing aside, while nobody writes there."""
    for path in paths:
        if _ASIDE.match(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def append_bytes(path: Path, data: bytes) -> int:
    """Add bytes to a file, all or none; return its size.

    They are there when this returns, whatever happens to the process; a power cut may still lose them.

    Raises
    ------
    OSError
        When they cannot be written, as on a full disk; the file then is as it was.
    """
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        end = os.fstat(file).st_size
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(file, left) :]
        except BaseException:  # Ctrl-C among it
            os.ftruncate(file, end)
            raise
        return end + len(data)
    finally:
        os.close(file)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write values as JSON, whole or not at all."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Return the values in a JSON file.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is no such file, or it is cut off or not JSON.

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
    except (ValueError, OSError, RecursionError) as error:  # of text, of UTF-8, of a directory, of a million brackets
        raise CorruptFileError(f"{path} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise CorruptFileError(f"{path} holds a {type(values).__name__}, not values by name")
    return values
