"""How a command ends that is told to: by Ctrl-C or SIGTERM, in one line, with 130 or 143, and nothing half written.

Within `stoppable` both signals raise, SIGTERM by an exception derived from KeyboardInterrupt, so that whatever cleans
up after Ctrl-C serves both. Before and after it, when nothing is being written, they end the process at once. The
library never changes how signals are handled: this is for programs.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from topolearn.errors import reason_of
from topolearn.terminal import say

COMMANDS = ("topolearn", "topolearn.cli")  # as Python is asked to run them: a script, or modules
SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
PATIENCE = 5.0  # seconds for which further signals leave a process alone that is cleaning up


class Terminated(KeyboardInterrupt):
    """The process was told to end by SIGTERM."""


class _Told:
    """The signal that this process has been told to end by, and whether it has said so."""

    number, at, said = 0, 0.0, False
    lost = 0  # a signal whose exception got lost, until it is sent again


_told = _Told()


@contextmanager
def stoppable() -> Iterator[None]:
    """Let the first signal within a block raise KeyboardInterrupt, and those of the next seconds do nothing.

    After `PATIENCE` seconds of cleaning up the next one ends the process at once. A signal that was ignored stays so,
    and a block in another thread than the first is left alone.

    Raises
    ------
    Terminated
        For SIGTERM.
    KeyboardInterrupt
        For SIGINT; also in place of an error that comes of a signal, as when a compiler finds what it was interrupted
        in undone.

    Examples
    --------
    >>> try:
    ...     with stoppable():
    ...         signal.raise_signal(signal.SIGTERM)
    ... except KeyboardInterrupt as interrupt:
    ...     print(status_of(interrupt))
    143
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _told.number, _told.said, _told.lost = 0, False, 0
    former = {number: signal.signal(number, _raise) for number in _heeded()}
    hook, sys.unraisablehook = sys.unraisablehook, _raise_again
    try:
        yield
    except Exception as error:
        if not _told.lost:
            raise
        _told.number, _told.lost = _told.lost, 0
        raise _exception(_told.number) from error
    finally:
        sys.unraisablehook = hook
        for number, handler in former.items():
            signal.signal(number, handler)


def status_of(error: KeyboardInterrupt) -> int:
    """Return the exit status of a process that a signal ended.

    Examples
    --------
    >>> status_of(KeyboardInterrupt()), status_of(Terminated())
    (130, 143)
    """
    return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)


def tell_end(program: str, error: KeyboardInterrupt, how_to_go_on: str = "") -> int:
    """Say in one line that a signal has ended the program, and return its exit status."""
    words = SIGNALS[signal.Signals(status_of(error) - 128)]
    if not _told.said:
        _told.said = True
        complain(f"{program}: {words}{'; ' if how_to_go_on else ''}{how_to_go_on}")
    return status_of(error)


def complain(line: str) -> None:
    """Write a line to standard error, if that is still there."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            say(line, stream=sys.stderr)


def forget_output() -> None:
    """Send what cannot be written to standard output or error nowhere: else Python complains of it as it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def leave_in_peace() -> None:
    """Ignore signals from now on, as a command is done, and Python takes a moment to end; other programs stay as is."""
    if _IS_COMMAND:
        for number in _heeded():
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def children_spared() -> Iterator[None]:
    """Let no process that is started within a block hear Ctrl-C, which a terminal sends to all; its parent ends it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _exception(number: int) -> KeyboardInterrupt:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def _raise(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if not _told.number:
        _told.number, _told.at = number, now
        raise _exception(number)
    if now - _told.at > PATIENCE:
        _end_at_once(number, frame)


def _raise_again(unraisable: Any) -> None:
    """Send a signal again whose exception was lost, as one raised while an object is destroyed is."""
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        if not (_told.number or _told.lost):  # of which it would be a consequence
            sys.__unraisablehook__(unraisable)
        return
    _told.lost, _told.number = _told.number or signal.SIGINT, 0
    with suppress(RuntimeError):
        threading.Timer(0.01, _send_again).start()


def _send_again() -> None:
    number, _told.lost = _told.lost, 0
    if number:
        os.kill(os.getpid(), number)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """End the process, which writes nothing now."""
    first = signal.Signals(_told.number or number)
    if not _told.said:
        with suppress(OSError):
            os.write(2, f"topolearn: {SIGNALS[first]}\n".encode())
    os._exit(128 + first)


def _end_for_a_reason(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """End the process in one line for want of memory, which even loading torch may lack; show other errors as ever."""
    reason = reason_of(error)
    if reason is None:
        sys.__excepthook__(kind, error, traceback)
        return
    complain(f"topolearn: error: {reason}")
    os._exit(2)


def _heeded() -> list[signal.Signals]:
    """Return the signals that are not ignored, as under nohup, nor handled by a program that embeds Python."""
    return [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]


def _open_standard_streams() -> None:
    """Open what is closed of standard input, output and error: the next file would take its number."""
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open("r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)


def _program() -> str:
    """Return what Python was asked to run: a module, or the name of a file without its ending."""
    words = iter(sys.orig_argv[1:])
    for word in words:
        if word == "-m":
            return next(words, "")
        if word == "-c":
            return ""
        if word in ("-X", "-W"):
            next(words, "")
        elif not word.startswith("-"):
            return Path(word).stem
    return ""


_IS_COMMAND = _program() in COMMANDS
if _IS_COMMAND:  # and in no other program that imports topolearn
    _open_standard_streams()
    sys.excepthook = _end_for_a_reason
    for _number in _heeded():
        signal.signal(_number, _end_at_once)
