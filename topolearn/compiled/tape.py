"""`Tape`: the kernels of a training step in order, with the records that they read, for many steps in one call."""

from __future__ import annotations

import ctypes
from ctypes import addressof

import numpy as np
import torch

from topolearn.compiled.kernels.run_tape import TapeRecord, run_kernel
from topolearn.sparse.kernels.work import Work
from topolearn.threads import Kernel, run_together, team_barrier

CHUNKS = 4  # of each kernel's work for each thread, so that none waits long for the last
LEAST = 1e6  # nanoseconds of a step that are worth other threads: they wait for each other behind each kernel


class Tape:
    """Kernels that are called one after another, step after step.

    Attributes
    ----------
    record : TapeRecord
        Where the run stands, and whether a kernel stopped it.
    n_threads : int
        How many threads share the work of each kernel.

    Parameters
    ----------
    nanoseconds : float
        About how long a step takes on one thread.
    """

    def __init__(self, nanoseconds: float) -> None:
        self._barrier = team_barrier() if nanoseconds > LEAST and torch.get_num_threads() > 1 else None
        self.n_threads = torch.get_num_threads() if self._barrier else 1
        self.record = TapeRecord()
        self._kernels: list[Kernel] = []
        self._works: list[Work] = []
        self._kept: list[object] = []

    @property
    def step(self) -> int:
        """The address of the number of the step in progress."""
        return addressof(self.record) + TapeRecord.step.offset

    @property
    def stopped(self) -> int:
        """The address of the flag by which a kernel ends the run."""
        return addressof(self.record) + TapeRecord.stopped.offset

    @property
    def n_chunks(self) -> int:
        """Into how many chunks the work of a kernel is cut."""
        return 1 if self.n_threads == 1 else CHUNKS * self.n_threads

    def add(self, kernel: Kernel, work: Work, *, bounds: int) -> None:
        """Append a kernel with its record; its work is cut at the bounds, an address of n_chunks + 1 numbers."""
        work.n_chunks, work.bounds = self.n_chunks, bounds
        self._kernels.append(kernel)
        self._works.append(work)

    def add_even(self, kernel: Kernel, work: Work, size: int, *, step: int = 1) -> None:
        """Append a kernel whose work is cut into chunks of equal sizes, multiples of a step but for the last."""
        n_steps = -(-size // step)
        bounds = np.minimum(np.arange(self.n_chunks + 1) * n_steps // self.n_chunks * step, size).astype(np.int64)
        self.keep(bounds)
        self.add(kernel, work, bounds=bounds.ctypes.data)

    def keep(self, *arrays: object) -> None:
        """Keep what records refer to by its address."""
        self._kept += arrays

    def run(self, first: int, last: int) -> int:
        """Take the steps from `first` up to `last`; return the one behind the last that was taken."""
        n = len(self._kernels)
        kernels = (ctypes.c_int64 * n)(*(kernel.address for kernel in self._kernels))
        works = (ctypes.c_int64 * n)(*(addressof(work) for work in self._works))
        record = self.record
        record.first, record.last, record.stopped, record.barrier = first, last, 0, self._barrier or 0
        record.n_kernels, record.kernels, record.works = n, addressof(kernels), addressof(works)
        run_together(run_kernel(), addressof(record), self.n_threads)
        return int(record.step) + 1 if last > first else first
