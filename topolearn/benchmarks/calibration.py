"""The densities up to which the csr backend is faster on a device: the table behind ``backend="auto"``."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch.optim import SGD

from topolearn.generators import erdos_renyi
from topolearn.sampling import torch_draws_from
from topolearn.sparse import SparseLinear
from topolearn.sparse.choice import CPU, Crossovers
from topolearn.sparse.products.form import has_products
from topolearn.terminal import progress_bar

WIDTHS = (64, 256, 1024, 2048)
BATCHES = (1, 32, 128, 512)
DENSITIES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5)
BURST = 8  # steps of an accelerator between synchronizations, as in training


def measure_crossovers(
    widths: Sequence[int] = WIDTHS,
    batches: Sequence[int] = BATCHES,
    *,
    threads: Sequence[int] | None = None,
    densities: Sequence[float] = DENSITIES,
    seconds: float = 0.2,
    device: torch.device | str = CPU,
    progress: bool = False,
) -> Crossovers:
    """Measure the density up to which the csr backend trains a layer faster than the masked backend.

    Parameters
    ----------
    widths, batches : sequence of int
        Neurons on each side of a layer, and rows per batch, both ascending.
    threads : sequence of int, optional
        Numbers of CPU threads, ascending; default one, and as many as torch uses. Other devices have one entry.
    densities : sequence of float
        Where to measure, ascending; the crossover is interpolated between these.
    seconds : float
        Approximate time to measure each layer.
    device
        Device on which the layers are trained.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Crossovers
    """
    before, place = torch.get_num_threads(), torch.device(device)
    if place.type != CPU:
        threads = (before,)
    threads = sorted({1, before}) if threads is None else threads
    cases = [(n, width, batch) for n in threads for width in widths for batch in batches]
    crossovers = {}
    try:
        for n, width, batch in progress_bar(cases, desc="calibrating", disable=not progress):
            torch.set_num_threads(n)
            crossovers[n, width, batch] = round(crossover_at(width, batch, densities, seconds, place), 3)
    finally:
        torch.set_num_threads(before)
    tables = [[[crossovers[n, width, batch] for batch in batches] for width in widths] for n in threads]
    return Crossovers(threads if place.type == CPU else (1,), widths, batches, tables)


def crossover_at(width: int, batch: int, densities: Sequence[float], seconds: float, device: torch.device) -> float:
    """Return the density at which both backends take the same time; 0 if csr is always slower, or unsupported."""
    before, gain_before = 0.0, 0.0
    if not has_products(device):
        return 0.0
    for density in densities:
        gain = math.log(_ratio(width, batch, density, seconds, device))
        if gain <= 0:
            return before + (density - before) * gain_before / (gain_before - gain) if before else 0.0
        before, gain_before = density, gain
    return before


def _ratio(width: int, batch: int, density: float, seconds: float, device: torch.device) -> float:
    """Return the ratio of the masked backend's time to the csr backend's, measured alternating."""
    graph = erdos_renyi(width, width, density, seed=0)
    with torch_draws_from(0):
        layers = [SparseLinear(width, width, graph=graph, backend=backend).to(device) for backend in ("masked", "csr")]
    x = torch.randn(batch, width, generator=torch.Generator().manual_seed(0)).to(device).requires_grad_()
    optimizers = [SGD(layer.parameters(), lr=1e-4, momentum=0.9, fused=True) for layer in layers]

    def step(i: int) -> None:
        optimizers[i].zero_grad()
        layers[i](x).sum().backward()
        optimizers[i].step()

    return _masked_over_csr(step, seconds, device)


def _masked_over_csr(step: Callable[[int], None], seconds: float, device: torch.device) -> float:
    """Return the ratio of the median times of both, measured alternating."""
    wait = torch.get_device_module(device).synchronize

    def timed(i: int) -> float:
        start = time.perf_counter()
        for _ in range(1 if device.type == CPU else BURST):
            step(i)
        wait()
        return time.perf_counter() - start

    for i in (0, 1, 0, 1):
        timed(i)
    times: list[list[float]] = [[], []]
    end = time.perf_counter() + 2 * seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for i in (0, 1):
            times[i].append(timed(i))
    return statistics.median(times[0]) / statistics.median(times[1])
