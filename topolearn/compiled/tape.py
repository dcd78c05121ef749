"""`Tape`: the kernels of a training step, in order and with the records that they read, for many steps per call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import addressof
from itertools import chain

import numpy as np
import torch

from topolearn.compiled.kernels.chunkwise import ChunkwiseWork, chunkwise_kernel
from topolearn.compiled.kernels.run_tape import TapeRecord, run_kernel
from topolearn.sparse.kernels.work import Work
from topolearn.threads import Kernel, run_together, team_barrier

CHUNKS = 4  # per thread and kernel, so that no thread waits long for the last one
LEAST = 1e6  # nanoseconds above which a step is worth several threads, since they synchronize after each kernel


class Tape:
    """Kernels that are called one after another, step after step.

    Parameters
    ----------
    nanoseconds : float
        Estimated time of a step on one thread.

    Attributes
    ----------
    record : TapeRecord
        The progress of the run, and whether a kernel stopped it.
    n_threads : int
        How many threads share the work of each kernel.
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
        """The address of the flag that a kernel sets to end the run."""
        return addressof(self.record) + TapeRecord.stopped.offset

    @property
    def n_chunks(self) -> int:
        """The number of chunks of each kernel's work."""
        return 1 if self.n_threads == 1 else CHUNKS * self.n_threads

    def add(self, kernel: Kernel, work: Work, *, bounds: int) -> None:
        """Append a kernel with its record; ``bounds`` is the address of the n_chunks + 1 bounds of its chunks."""
        work.n_chunks, work.bounds = self.n_chunks, bounds
        self._kernels.append(kernel)
        self._works.append(work)

    def add_even(self, kernel: Kernel, work: Work, size: int, *, step: int = 1) -> None:
        """Append a kernel whose work is cut into equal chunks, all but the last multiples of ``step``."""
        n_steps = -(-size // step)
        bounds = np.minimum(np.arange(self.n_chunks + 1) * n_steps // self.n_chunks * step, size).astype(np.int64)
        self.keep(bounds)
        self.add(kernel, work, bounds=bounds.ctypes.data)

    def add_chunkwise(self, kernels: Sequence[Kernel], works: Sequence[Sequence[Work]]) -> None:
        """Append kernels that all run on a chunk before the next chunk begins.

        ``works`` has the records of each chunk, one per kernel, each with that chunk alone.
        """
        addresses = np.array([each.address for each in kernels]), np.array([addressof(work) for work in chain(*works)])
        work = ChunkwiseWork(n_kernels=len(kernels), kernels=addresses[0].ctypes.data, works=addresses[1].ctypes.data)
        work.n_chunks = len(works)
        self.keep(addresses, kernels, works)
        self._kernels.append(chunkwise_kernel())
        self._works.append(work)

    def keep(self, *arrays: object) -> None:
        """Keep objects alive whose addresses are in records."""
        self._kept += arrays

    def run(self, first: int, last: int) -> int:
        """Take the steps from `first` up to but excluding `last`; return the number after the last step taken."""
        n = len(self._kernels)
        kernels = (ctypes.c_int64 * n)(*(kernel.address for kernel in self._kernels))
        works = (ctypes.c_int64 * n)(*(addressof(work) for work in self._works))
        record = self.record
        record.first, record.last, record.stopped, record.barrier = first, last, 0, self._barrier or 0
        record.n_kernels, record.kernels, record.works = n, addressof(kernels), addressof(works)
        run_together(run_kernel(), addressof(record), self.n_threads)
        return int(record.step) + 1 if last > first else first
