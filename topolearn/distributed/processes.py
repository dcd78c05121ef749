"""The processes started by torchrun: how they join, and how all of them end with one message when one ends."""

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
from topolearn.postponement import Postponement

OF_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
LOST = re.compile(r"gloo|nccl|connection (closed|reset|refused)|broken pipe|socket", re.IGNORECASE)
FAILED = "topolearn/failed"  # whether a process has reported why it failed
PATIENCE = timedelta(seconds=10)  # timeout of the store that records who has reported what
LOSS = (
    "another process of this training run has ended, so all of them stop: 'topolearn train --resume RUN', on as many "
    "processes, continues the run from its last checkpoint"
)

_imports = Postponement()


@contextmanager
def joined() -> Iterator[bool]:
    """Join the processes started by torchrun for a block; without torchrun, or with one process, do nothing.

    They communicate with gloo on CPUs and with NCCL on CUDA, where each process uses the device of its local rank. When
    one of them ends, the others leave the block at once, and only one of them reports it. An error that all processes
    raise is also reported only once.

    Yields
    ------
    bool
        Whether there are several processes.

    Raises
    ------
    TrainingError
        When another process has ended, or this one received SIGTERM.
    SystemExit
        Instead of an error that another process has already reported.

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
    """The process received SIGTERM, which torchrun sends when another process has ended."""


def _stop(number: int, frame: FrameType | None) -> None:
    if not _imports.postpones(number, frame):
        raise _Stopped


def _is_launched() -> bool:
    given = [name in os.environ for name in OF_TORCHRUN]
    return all(given) and int(os.environ["WORLD_SIZE"]) > 1 and dist.is_available() and not dist.is_initialized()


def _join() -> dist.Store:
    """Create the process group, and return the store in which processes record what they have reported."""
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
    """Exit silently if another process has reported this or, with `unless_failed`, why it failed."""
    key = f"topolearn/{hashlib.sha256(message.encode()).hexdigest()}"
    with suppress(RuntimeError):  # if the store has ended too, this process reports it
        if (unless_failed and store.add(FAILED, 0)) or store.add(key, 1) > 1:
            raise SystemExit(status)
        if not unless_failed:
            store.add(FAILED, 1)
