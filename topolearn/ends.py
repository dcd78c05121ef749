"""How a command ends on Ctrl-C or SIGTERM: with one line, exit status 130 or 143, and no half-written file.

Within `stoppable` both signals raise an exception. SIGTERM's is derived from KeyboardInterrupt, so that the same code
cleans up after both. Outside of it, when nothing is being written, they end the process at once. The library itself
never changes how signals are handled: this module is for programs.
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
from topolearn.postponement import Postponement, soon
from topolearn.terminal import say

COMMANDS = ("topolearn", "topolearn.cli")  # how Python may be asked to run the command: as a script or as a module
SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
PATIENCE = 5.0  # seconds for which further signals are ignored while the process cleans up


class Terminated(KeyboardInterrupt):
    """SIGTERM asked the process to end."""


class _Received:
    """The signal that asked this process to end, and whether that was reported."""

    number, at, reported = 0, 0.0, False
    lost = 0  # a signal whose exception was lost, until it is sent again


_received = _Received()
_imports = Postponement()


@contextmanager
def stoppable() -> Iterator[None]:
    """Let the first signal within a block raise KeyboardInterrupt, and ignore those of the next few seconds.

    A signal that arrives during an import waits until the import ends. After `PATIENCE` seconds of cleaning up, the
    next signal ends the process at once. Ignored signals stay ignored, and a block outside the main thread changes
    nothing.

    Raises
    ------
    Terminated
        For SIGTERM.
    KeyboardInterrupt
        For SIGINT; also in place of an error that a signal caused, such as one of a compiler that was interrupted.

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
    _received.number, _received.reported, _received.lost = 0, False, 0
    former = {number: signal.signal(number, _raise) for number in _heeded()}
    hook, sys.unraisablehook = sys.unraisablehook, _raise_again
    try:
        yield
    except Exception as error:
        if not _received.lost:
            raise
        _received.number, _received.lost = _received.lost, 0
        raise _exception(_received.number) from error
    finally:
        sys.unraisablehook = hook
        for number, handler in former.items():
            signal.signal(number, handler)


def status_of(error: KeyboardInterrupt) -> int:
    """Return the exit status for a process that a signal ended.

    Examples
    --------
    >>> status_of(KeyboardInterrupt()), status_of(Terminated())
    (130, 143)
    """
    return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)


def tell_end(program: str, error: KeyboardInterrupt, how_to_continue: str = "") -> int:
    """Report in one line that a signal ended the program, and return its exit status."""
    words = SIGNALS[signal.Signals(status_of(error) - 128)]
    if not _received.reported:
        _received.reported = True
        complain(f"{program}: {words}{'; ' if how_to_continue else ''}{how_to_continue}")
    return status_of(error)


def complain(line: str) -> None:
    """Write a line to standard error if it is still open."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            say(line, stream=sys.stderr)


def forget_output() -> None:
    """Discard output that cannot be written to standard output or error: Python would complain about it at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def leave_in_peace() -> None:
    """Ignore signals while Python shuts down after a command; programs that import topolearn are left alone."""
    if _IS_COMMAND:
        for number in _heeded():
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def children_spared() -> Iterator[None]:
    """Shield processes started within a block from Ctrl-C, which a terminal sends to all; their parent ends them."""
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
    if not _received.number:
        if _imports.postpones(number, frame):
            return
        _received.number, _received.at = number, now
        raise _exception(number)
    if now - _received.at > PATIENCE:
        _end_at_once(number, frame)


def _raise_again(unraisable: Any) -> None:
    """Resend a signal whose exception was lost, as happens when it is raised while an object is destroyed."""
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        if not (_received.number or _received.lost):  # else it is a consequence of the signal
            sys.__unraisablehook__(unraisable)
        return
    _received.lost, _received.number = _received.number or signal.SIGINT, 0
    soon(_send_again)


def _send_again() -> None:
    number, _received.lost = _received.lost, 0
    if number:
        os.kill(os.getpid(), number)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """End the process while it writes nothing."""
    first = signal.Signals(_received.number or number)
    if not _received.reported:
        with suppress(OSError):
            os.write(2, f"topolearn: {SIGNALS[first]}\n".encode())
    os._exit(128 + first)


def _end_for_a_reason(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Report an expected error, such as too little memory to load torch, in one line; show others as usual."""
    reason = reason_of(error)
    if reason is None:
        sys.__excepthook__(kind, error, traceback)
        return
    complain(f"topolearn: error: {reason}")
    os._exit(2)


def _heeded() -> list[signal.Signals]:
    """Return the signals that are neither ignored, as under nohup, nor handled by a program that embeds Python."""
    return [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]


def _open_standard_streams() -> None:
    """Reopen closed standard streams on the null device: otherwise the next file opened would take their number."""
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open("r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)


def _program() -> str:
    """Return what Python was asked to run: a module, or the name of a file without its suffix."""
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
if _IS_COMMAND:  # not in other programs that import topolearn
    _open_standard_streams()
    sys.excepthook = _end_for_a_reason
    for _number in _heeded():
        signal.signal(_number, _end_at_once)
