"""One writer at a time: the lock of a run directory."""

from __future__ import annotations

import json
import os
import platform
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from topolearn.confined import check_confined
from topolearn.errors import InvalidValueError
from topolearn.files import remove_asides
from topolearn.recording.plan import LOCK, manifest_of


class Hold:
    """An exclusive lock on a run directory, which is released when its process ends or is killed.

    Parameters
    ----------
    path : Path
        The directory.

    Raises
    ------
    InvalidValueError
        When another process holds it; the message names the process.
    UnsafePathError
        When a symbolic link in the directory points outside it.

    Attributes
    ----------
    manifest : Manifest
        The manifest of the run.
    accepted : list of str
        Descriptions of accepted changes since the run was last written.
    surroundings : dict of str to str
        Versions, and the checksum of the data, with which the run continues.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with Hold(folder) as first:
    ...     Hold(folder)
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: ... is in use by process ...: wait until it ends, or ...
    >>> Hold(folder).release()
    """

    def __init__(self, path: Path) -> None:
        from filelock import FileLock, Timeout

        check_confined(path)  # before anything is written through a symbolic link
        self._lock = FileLock(path / LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InvalidValueError(
                f"{path} is in use by {_holder(path / LOCK)}: wait until it ends, or choose another directory"
            ) from None
        me = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        (path / LOCK).write_text(json.dumps(me), encoding="utf-8")
        remove_asides(path.rglob(".*"))
        self.manifest = manifest_of(path)
        self.accepted: list[str] = []
        self.surroundings: dict[str, str] = {}

    @property
    def is_held(self) -> bool:
        """Whether the lock is still held."""
        return self._lock.is_locked

    def release(self) -> None:
        """Release the lock, so that others can write to the directory."""
        if self._lock.is_locked:
            with suppress(OSError):  # the directory may have been removed
                os.truncate(self._lock.lock_file, 0)
            self._lock.release()

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *_: Any) -> None:
        self.release()


def _holder(lock: Path) -> str:
    """Describe the process that holds a lock."""
    try:
        who = json.loads(lock.read_text(encoding="utf-8"))
        here = "" if who["host"] == platform.node() else f" on {who['host']}"
        return f"process {who['pid']}{here}, since {who['since']}"
    except (OSError, ValueError, TypeError, KeyError):  # it has only just acquired or released the lock
        return "another process"
