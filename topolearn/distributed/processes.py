"""The processes that torchrun starts: how they join, and how all of them end with one message when one ends."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import FrameType

import torch
import torch.distributed as dist

from topolearn.errors import InvalidValueError, TopolearnError, TrainingError

OF_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
LOST = re.compile(r"gloo|nccl|connection (closed|reset|refused)|broken pipe|socket", re.IGNORECASE)
FAILED = "topolearn/failed"  # whether a process has said why it fails
PATIENCE = timedelta(seconds=10)  # for the store that tells who has said what
LOSS = (
    "another process of this training has ended, so all of them stop: 'topolearn train --resume RUN', on as many "
    "processes, continues the run from its last checkpoint"
)


@contextmanager
def joined() -> Iterator[bool]:
    """Join the processes that torchrun has started, for a block; without torchrun, or with one process, do nothing.

    They talk by gloo on CPUs and by NCCL on CUDA, where each process takes the device of its local rank. When one of
    them ends, the others leave the block at once, and one of all says so. What all of them refuse alike, one says.

    Yields
    ------
    bool
        Whether there are several processes.

    Raises
    ------
    TrainingError
        When another process has ended, or this one was told to end.
    SystemExit
        Instead of an error that another process has said already.

    Examples
    --------
    >>> with joined() as are_several:
    ...     are_several
    False
    """
    if not _is_launched():
        yield False
        return
    store = _join()
    former = signal.signal(signal.SIGTERM, _stop)
    try:
        yield True
    except (TopolearnError, OSError, MemoryError) as error:
        _leave_to_first(store, f"{type(error).__name__}: {error}", 2)
        raise
    except KeyboardInterrupt:
        _leave_to_first(store, "interrupted", 130)
        raise
    except (RuntimeError, _Stopped) as error:
        if not isinstance(error, (_Stopped, dist.DistError)) and not LOST.search(str(error)):
            raise
        _leave_to_first(store, LOSS, 2, unless_failed=True)
        raise TrainingError(LOSS) from None
    finally:
        signal.signal(signal.SIGTERM, former)
        with suppress(RuntimeError):
            dist.destroy_process_group()


class _Stopped(BaseException):
    """The process was told to end, as torchrun does when another one has ended."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


def _is_launched() -> bool:
    given = [name in os.environ for name in OF_TORCHRUN]
    return all(given) and int(os.environ["WORLD_SIZE"]) > 1 and dist.is_available() and not dist.is_initialized()


def _join() -> dist.Store:
    """Make the process group, and return the store through which processes tell what they have said."""
    local = int(os.environ["LOCAL_RANK"])
    has_cuda = torch.cuda.is_available() and dist.is_nccl_available()
    if has_cuda and local >= torch.cuda.device_count():
        raise InvalidValueError(
            f"this is process {local} of its machine, which has {torch.cuda.device_count()} CUDA devices: start "
            f"torchrun with --nproc-per-node {torch.cuda.device_count()}"
        )
    if has_cuda:
        torch.cuda.set_device(local)
    dist.init_process_group("cpu:gloo,cuda:nccl" if has_cuda else "gloo")
    return dist.TCPStore(
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        is_master=False,
        timeout=PATIENCE,
        wait_for_workers=False,
    )


def _leave_to_first(store: dist.Store, message: str, status: int, *, unless_failed: bool = False) -> None:
    """Exit without a word when another process has said this, or, if asked for, why it fails."""
    key = f"topolearn/{hashlib.sha256(message.encode()).hexdigest()}"
    with suppress(RuntimeError):  # where the store has ended too, there is nobody to leave it to
        if (unless_failed and store.add(FAILED, 0)) or store.add(key, 1) > 1:
            raise SystemExit(status)
        if not unless_failed:
            store.add(FAILED, 1)
