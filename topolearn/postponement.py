"""Signals that arrive during an import, and must wait until it ends.

An exception in the middle of an import can be lost, as torch continues without numpy if importing it fails. And it
leaves half-initialised modules behind, of which numpy's cannot be imported again.
"""

import _thread
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

IMPORT = "<frozen importlib._bootstrap>"  # the file of Python's import system, as frames name it
POLL = 0.02  # seconds after which a postponed signal is sent again
LIMIT = 5.0  # seconds, for a program that runs within an import


class Postponement:
    """Postpones the signals of one handler while the main thread imports something, for at most `LIMIT` seconds.

    Examples
    --------
    >>> Postponement().postpones(15, None)
    False
    """

    def __init__(self) -> None:
        self._since: float | None = None

    def postpones(self, number: int, frame: FrameType | None) -> bool:
        """Return whether a signal arrived during an import, so that it is sent again later.

        Parameters
        ----------
        number : int
            The signal's number.
        frame : FrameType or None
            Where it arrived, as handlers are told.
        """
        if not is_importing(frame):
            self._since = None
            return False
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return now - self._since < LIMIT and soon(partial(os.kill, os.getpid(), number))


def is_importing(frame: FrameType | None) -> bool:
    """Return whether a frame is within an import.

    Examples
    --------
    >>> import sys
    >>> is_importing(sys._getframe())
    False
    """
    while frame is not None:
        if frame.f_code.co_filename == IMPORT:
            return True
        frame = frame.f_back
    return False


def soon(action: Callable[[], None]) -> bool:
    """Call a function from another thread after `POLL` seconds, and return whether that thread was started.

    `threading` takes locks that the interrupted code may hold, hence `_thread`.
    """

    def wait_and_act() -> None:
        time.sleep(POLL)
        action()

    with suppress(RuntimeError):  # Python is shutting down
        _thread.start_new_thread(wait_and_act, ())
        return True
    return False
