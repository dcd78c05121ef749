"""Work distributed over as many threads as torch uses: torch's own if it lets them run a kernel, else Python's.

The kernels run without the GIL. A forked process does not inherit its parent's threads, and OpenMP is unaware of that,
so there all work runs on Python threads.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

T = TypeVar("T")
Rows = tuple[int, int]  # the first row, and the one after the last
FIRST_PROCESS = os.getpid()
CHUNKS = 8  # per thread, so that none waits long for the last
LEAST = 2e6  # ns of work that justify another chunk: torch's own threads spin for a while after a product


class Kernel:
    """A C function compiled by numba that takes an address.

    Attributes
    ----------
    address : int
    call : callable
        Runs it without the GIL.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled  # keeps the machine code alive
        self.address, self.call = compiled.address, compiled.ctypes


def for_each(work: Callable[[T], None], chunks: Sequence[T]) -> None:
    """Do the work for all chunks, on as many threads as torch uses (`torch.set_num_threads`) or as there are chunks."""
    n_threads = min(torch.get_num_threads(), len(chunks))
    if n_threads <= 1:
        for chunk in chunks:
            work(chunk)
        return
    waiting = iter(chunks)  # each free thread takes the next one

    def take() -> None:
        for chunk in waiting:
            work(chunk)

    others = [_pool(os.getpid()).submit(take) for _ in range(n_threads - 1)]
    try:
        take()
    finally:
        begun = [other for other in others if not other.cancel()]
        wait(begun)  # even after an error, since they write to the caller's memory
    for other in begun:
        other.result()


def run_together(kernel: Kernel, work: int, n_threads: int) -> None:
    """Run a kernel on several threads at once; the kernel divides the work among them.

    Threads other than torch's would have to wait for a core, because OpenMP threads keep spinning after a product.

    Parameters
    ----------
    kernel : Kernel
    work : int
        The address.
    n_threads : int
        Including the calling thread. Use all of torch's threads: OpenMP creates a new team for another size.
    """
    if n_threads == 1:
        kernel.call(work)
    elif (openmp := _openmp()) is not None and os.getpid() == FIRST_PROCESS:
        openmp(kernel.address, work, n_threads, 0)
    else:
        for_each(lambda _: kernel.call(work), range(n_threads))


def team_barrier() -> int | None:
    """Return the address of the barrier at which threads of `run_together` wait for each other, or None."""
    if _openmp() is None or os.getpid() != FIRST_PROCESS:
        return None
    barrier = getattr(_library(), "GOMP_barrier", None)
    return None if barrier is None else ctypes.cast(barrier, ctypes.c_void_p).value


@cache
def _library() -> ctypes.CDLL | None:
    """Return torch's CPU library, through which the libraries that it links to are accessible."""
    path = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    return ctypes.CDLL(str(path)) if path.is_file() else None


@cache
def _openmp() -> Any:
    """Return the function of torch's OpenMP that runs a C function on a team of threads, or None."""
    gomp_parallel = getattr(_library(), "GOMP_parallel", None)
    if gomp_parallel is not None:
        gomp_parallel.argtypes = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint
        gomp_parallel.restype = None
    return gomp_parallel


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the thread pool of a process, since a forked process does not inherit its parent's threads."""
    return ThreadPoolExecutor(max(torch.get_num_threads(), os.cpu_count() or 1), thread_name_prefix="topolearn")


def cut(nanoseconds: NDArray[np.number], *, step: int = 1) -> list[tuple[int, int]]:
    """Cut rows into chunks (first, last) of about equal work: several per thread, if there is enough work.

    Parameters
    ----------
    nanoseconds : array, shape (n,)
        Approximate time for each row.
    step : int
        The number of rows of each chunk, except the last, is a multiple of this.

    Examples
    --------
    >>> cut(np.full(4, 100))
    [(0, 4)]
    """
    n = nanoseconds.size
    bounds = np.append(np.arange(0, n, step), n)
    total = np.concatenate([[0], np.cumsum(nanoseconds)])[bounds]
    most = max(total[-1] / (CHUNKS * torch.get_num_threads()), LEAST)
    return [(int(bounds[first]), int(bounds[last])) for first, last in fill_chunks(total, most)]


def fill_chunks(total: NDArray[np.number], most: float) -> list[tuple[int, int]]:
    """Cut rows, given the running total of their costs (starting at 0), into chunks that cost at most `most` each.

    A row that costs more forms its own chunk.

    Examples
    --------
    >>> fill_chunks(np.array([0, 1, 2, 3, 8, 9]), 3)
    [(0, 3), (3, 4), (4, 5)]
    """
    first, chunks = 0, []
    while first < total.size - 1:
        last = max(int(np.searchsorted(total, total[first] + most, side="right")) - 1, first + 1)
        chunks.append((first, last))
        first = last
    return chunks


class _Counts(threading.local):
    """The number of `thread_count` blocks that this thread is in."""

    depth = 0


_counts, _lock = _Counts(), threading.Lock()
_asked: list[int] = []  # the numbers requested by all active blocks of all threads
_usual = 1  # the number of threads of the process before the first block


@contextmanager
def thread_count(n: int | None = None) -> Iterator[None]:
    """Set the number of threads that torch computes on within a block or a function, and restore it afterwards.

    ``torch.set_num_threads`` applies to the calling thread and to all threads started later. If several threads of a
    process are in such blocks at once, each has its own number, which changes sums in their last bits. After the last
    block everything is as it was before the first.

    Parameters
    ----------
    n : int, optional
        Default the current number, not counting blocks in other threads.

    Examples
    --------
    >>> before = torch.get_num_threads()
    >>> with thread_count(before + 1):
    ...     torch.get_num_threads() == before + 1
    True
    >>> torch.get_num_threads() == before
    True
    """
    global _usual  # noqa: PLW0603  # torch's number is global too
    with _lock:
        own = torch.get_num_threads()  # a new thread inherits the number that any thread set last
        before = _usual if own in _asked and not _counts.depth else own
        if not _asked:
            _usual = before
        n = before if n is None else n
        torch.set_num_threads(n)  # first, since it raises an error for less than one
        _asked.append(n)
        _counts.depth += 1
    try:
        yield
    finally:
        with _lock:
            _asked.remove(n)
            _counts.depth -= 1
            torch.set_num_threads(before)
