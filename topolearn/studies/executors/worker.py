"""A worker process, which ends on SIGTERM and when its parent process dies for any reason."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from topolearn.ends import PATIENCE, Terminated
from topolearn.postponement import Postponement

POLL = 0.5  # seconds between checks of the parent


class _Worker:
    """Whether this process has received SIGTERM, whether it is training a run, and its parent."""

    is_terminated, is_busy, parent = False, False, 0


_worker = _Worker()
_imports = Postponement()


def serve(parent: int) -> None:
    """Make SIGTERM end the current run of this process, and the death of its parent end the process as well."""
    _worker.is_terminated, _worker.parent = False, parent
    signal.signal(signal.SIGTERM, _terminate)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


@contextmanager
def working() -> Iterator[None]:
    """Train a run in a block, which SIGTERM leaves with an exception.

    Raises
    ------
    Terminated
        On SIGTERM, or immediately if the process received it before.
    """
    _worker.is_busy = True
    try:
        if _worker.is_terminated:
            raise Terminated("it was terminated")
        yield
    finally:
        _worker.is_busy = False
        if _worker.is_terminated and _worker.parent != os.getppid():
            os._exit(128 + signal.SIGTERM)


def _terminate(number: int, frame: FrameType | None) -> None:
    if _worker.is_busy and not _worker.is_terminated and _imports.postpones(number, frame):
        return
    is_first, _worker.is_terminated = not _worker.is_terminated, True
    if is_first and _worker.is_busy:
        raise Terminated("it was terminated")


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL)
    if _worker.is_busy:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
    os._exit(128 + signal.SIGTERM)
