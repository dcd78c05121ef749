"""A worker process: how it ends when it is told to, and when its parent does, whatever that died of."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from topolearn.ends import PATIENCE, Terminated

POLL = 0.5  # seconds between two looks at the parent


class _Worker:
    """Whether this process has been told to end, and whether it is at a run."""

    told, at_work, parent = False, False, 0


_worker = _Worker()


def serve(parent: int) -> None:
    """Let SIGTERM end the run that this process is at, and the death of its parent the process as well."""
    _worker.told, _worker.parent = False, parent
    signal.signal(signal.SIGTERM, _tell)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


@contextmanager
def working() -> Iterator[None]:
    """Do a run in a block, which SIGTERM leaves by an exception.

    Raises
    ------
    Terminated
        At once, too, when the process was told to end before.
    """
    _worker.at_work = True
    try:
        if _worker.told:
            raise Terminated("it was told to end")
        yield
    finally:
        _worker.at_work = False
        if _worker.told and _worker.parent != os.getppid():
            os._exit(128 + signal.SIGTERM)


def _tell(number: int, frame: FrameType | None) -> None:
    is_first, _worker.told = not _worker.told, True
    if is_first and _worker.at_work:
        raise Terminated("it was told to end")


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL)
    if _worker.at_work:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
    os._exit(128 + signal.SIGTERM)
