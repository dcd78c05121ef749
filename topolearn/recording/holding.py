"""One writer at a time: who holds a run directory, and what a killed process left in it."""

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
from topolearn.recording.plan import manifest_of

LOCK = ".lock"


class Hold:
    """The right to write into a run directory, which one process has at a time; a killed process loses it.

    Parameters
    ----------
    path : Path
        The directory.

    Raises
    ------
    InvalidValueError
        When somebody else has it; says who.
    UnsafePathError
        When a link in the directory leads out of it.

    Attributes
    ----------
    manifest : Manifest
        Of the run.
    accepted : list of str
        What has changed since the run was left, in words, and was accepted.
    surroundings : dict of str to str
        Versions, and the checksum of the data, with which it goes on.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with Hold(folder) as first:
    ...     Hold(folder)
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: ... is being written by process ...: wait until it ends, or ...
    >>> Hold(folder).release()
    """

    def __init__(self, path: Path) -> None:
        from filelock import FileLock, Timeout

        check_confined(path)  # before a lock, or a row, is written through a link
        self._lock = FileLock(path / LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InvalidValueError(
                f"{path} is being written by {_holder(path / LOCK)}: wait until it ends, or choose another directory"
            ) from None
        me = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        (path / LOCK).write_text(json.dumps(me), encoding="utf-8")
        remove_asides(path.rglob(".*"))
        self.manifest = manifest_of(path)
        self.accepted: list[str] = []
        self.surroundings: dict[str, str] = {}

    @property
    def is_held(self) -> bool:
        """Whether this still has the directory."""
        return self._lock.is_locked

    def release(self) -> None:
        """Let others write into the directory."""
        if self._lock.is_locked:
            with suppress(OSError):  # the directory may have been removed
                os.truncate(self._lock.lock_file, 0)
            self._lock.release()

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *_: Any) -> None:
        self.release()


def _holder(lock: Path) -> str:
    """Return in words who holds a lock."""
    try:
        who = json.loads(lock.read_text(encoding="utf-8"))
        here = "" if who["host"] == platform.node() else f" on {who['host']}"
        return f"process {who['pid']}{here}, since {who['since']}"
    except (OSError, ValueError, TypeError, KeyError):  # it has just taken it, or just left
        return "another process"
