"""The limits of this machine: its measured peaks, and the minimum time of a computation that follows from them.

A computation over links is bound by one of three things: its multiplications, the rows of activations that its links
read from a cache or from memory, or the data of each link, which is read once per step. A topology update must at least
move the data of each link and, if links grow by gradient, multiply out the gradient of all cells. What its scores cost
is left out: no bound on it holds for every rule.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit

from topolearn.threads import thread_count

SIZES = {"L1": 2**14, "L2": 2**19, "L3": 2**23, "memory": 2**28}  # bytes read repeatedly: half of each level
LINK_BYTES = 28  # per link and step: value and momentum read and written, indices of two passes
INDEX_BYTES = 8  # per link: its input in the order of outputs, and its output in the order of inputs


@dataclass(frozen=True)
class Floor:
    """The minimum milliseconds of a computation, and what bounds it."""

    ms: float
    bound: str


@dataclass(frozen=True)
class Peaks:
    """Measured peaks of a number of threads together.

    Attributes
    ----------
    threads : int
    flops : float
        float32 multiplications and additions per second in a large matrix product.
    bytes : dict of str to float
        Bytes per second read from each level, by name.
    """

    threads: int
    flops: float
    bytes: dict[str, float]

    def level_of(self, n_bytes: float) -> str:
        """Return the level that fits a number of bytes; threads share the last cache, and each reads all rows."""
        return next((name for name, size in SIZES.items() if n_bytes <= 2 * size), "memory")

    def floor(self, layers: Sequence[tuple[int, int, int]], batch: int, *, step: bool) -> Floor:
        """Return the minimum time of sparse layers, forward and backward.

        Rows are read from L1 if the neurons that read them have a link, on average, to each block of neurons whose rows
        fit into it, since products can then go through one block after another; otherwise from the level that holds
        all rows.

        Parameters
        ----------
        layers : sequence of (n_in, n_out, n_links)
        batch : int
        step : bool
            Whether it is a training step, in which the inputs of the first layer need no gradient, and an optimizer
            with momentum follows.

        Examples
        --------
        >>> peaks = Peaks(1, 1e11, {"L1": 2e11, "L2": 1e11, "L3": 5e10, "memory": 2e10})
        >>> peaks.floor([(1000, 1000, 3_000)], 32, step=False)
        Floor(ms=0.0076..., bound='rows from L2')
        """
        products, rows, links = 0.0, dict.fromkeys(self.bytes, 0.0), 0
        for i, (n_in, n_out, n_links) in enumerate(layers):
            links += n_links
            products += 2 * batch * n_links * (2 if step and i == 0 else 3)
            for n_read, n_reading in ((n_in, n_out), (n_out, n_in)):  # inputs forward, gradients of outputs backward
                n_blocks = 4 * batch * n_read / (2 * SIZES["L1"])
                level = "L1" if n_links >= n_blocks * n_reading else self.level_of(4 * batch * n_read)
                rows[level] += 4 * batch * n_links
        seconds = {"products": products / self.flops}
        taken = {name: n_bytes / self.bytes[name] for name, n_bytes in rows.items()}
        seconds[f"rows from {max(taken, key=lambda name: taken[name])}"] = sum(taken.values())
        if step:
            level = self.level_of(LINK_BYTES * links)
            seconds[f"links from {level}"] = LINK_BYTES * links / self.bytes[level]
        bound = max(seconds, key=lambda name: seconds[name])
        return Floor(1e3 * seconds[bound], bound)

    def floor_of_update(
        self, layers: Sequence[tuple[int, int, int]], batch: int, *, n_moments: int, by_gradient: bool
    ) -> Floor:
        """Return the minimum time of a topology update of sparse layers.

        Parameters
        ----------
        layers : sequence of (n_in, n_out, n_links)
        batch : int
            Activations per neuron in the step whose gradient is used.
        n_moments : int
            Numbers that the optimizer stores per link.
        by_gradient : bool
            Whether links grow where the gradient of all cells is largest.

        Examples
        --------
        >>> peaks = Peaks(1, 1e11, {"L1": 2e11, "L2": 1e11, "L3": 5e10, "memory": 2e10})
        >>> peaks.floor_of_update([(1000, 1000, 10_000)], 32, n_moments=1, by_gradient=True)
        Floor(ms=0.64, bound='products')
        """
        n_bytes = 2 * (4 * (1 + n_moments) + INDEX_BYTES) * sum(n_links for *_, n_links in layers)
        level = self.level_of(n_bytes / 2)
        seconds = {f"links from {level}": n_bytes / self.bytes[level]}
        if by_gradient:
            seconds["products"] = sum(2 * batch * n_in * n_out for n_in, n_out, _ in layers) / self.flops
        bound = max(seconds, key=lambda name: seconds[name])
        return Floor(1e3 * seconds[bound], bound)


def measure_peaks(threads: int, *, n: int = 1024, seconds: float = 0.3) -> Peaks:
    """Measure the peaks of a number of threads."""
    with thread_count(threads):
        x, y = torch.randn(n, n), torch.randn(n, n)
        flops = 2 * n**3 / _quick(lambda: x @ y, seconds)
    bandwidths = {}
    for name, size in SIZES.items():
        repeats = max(2**26 // size, 1)
        bandwidths[name] = threads * repeats * size / _seconds_to_read(size, repeats, threads, seconds)
    return Peaks(threads, flops, bandwidths)


def _seconds_to_read(size: int, repeats: int, threads: int, seconds: float) -> float:
    """Return the seconds for threads to read `size` bytes repeatedly, each from its own array."""
    arrays = [np.ones(size // 4, np.float32) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        return _quick(lambda: list(pool.map(_read, arrays, [repeats] * threads)), seconds)


def _quick(work: Callable[[], object], seconds: float) -> float:
    """Return the seconds of an undisturbed run: the tenth percentile of many."""
    work()
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.quantiles(times, n=10)[0] if len(times) > 10 else min(times)


@njit(nogil=True, fastmath=True)
def _read(x, repeats):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for _ in range(repeats):
        for i in range(x.size):
            total += x[i]
    return total
