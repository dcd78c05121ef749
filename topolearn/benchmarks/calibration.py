"""Where the csr backend stops being the faster one on this machine: the table behind ``backend="auto"``."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence

import torch
from torch.optim import SGD
from tqdm import tqdm

from topolearn.generators import erdos_renyi
from topolearn.sparse import SparseLinear
from topolearn.sparse.choice import Crossovers

WIDTHS = (64, 256, 1024, 2048)
BATCHES = (1, 32, 128, 512)
DENSITIES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5)


def measure_crossovers(
    widths: Sequence[int] = WIDTHS,
    batches: Sequence[int] = BATCHES,
    *,
    threads: Sequence[int] | None = None,
    densities: Sequence[float] = DENSITIES,
    seconds: float = 0.2,
    progress: bool = False,
) -> Crossovers:
    """Measure up to which density the csr backend trains a layer faster than the masked one.

    Parameters
    ----------
    widths, batches : sequence of int
        Neurons on each side of a layer, and activations in a batch, ascending.
    threads : sequence of int, optional
        Ascending; default one, and as many as torch uses.
    densities : sequence of float
        Where to measure, ascending; the crossover is found between these.
    seconds : float
        About how long each layer is measured.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    Crossovers
    """
    before = torch.get_num_threads()
    threads = sorted({1, before}) if threads is None else threads
    cases = [(n, width, batch) for n in threads for width in widths for batch in batches]
    crossovers = {}
    try:
        for n, width, batch in tqdm(cases, desc="calibrating", disable=not progress):
            torch.set_num_threads(n)
            crossovers[n, width, batch] = round(_crossover(width, batch, densities, seconds), 3)
    finally:
        torch.set_num_threads(before)
    tables = [[[crossovers[n, width, batch] for batch in batches] for width in widths] for n in threads]
    return Crossovers(threads, widths, batches, tables)


def _crossover(width: int, batch: int, densities: Sequence[float], seconds: float) -> float:
    """Return the density at which both backends take the same time; 0 if csr is slower at all of them."""
    before, gain_before = 0.0, 0.0
    for density in densities:
        gain = math.log(_ratio(width, batch, density, seconds))
        if gain <= 0:
            return before + (density - before) * gain_before / (gain_before - gain) if before else 0.0
        before, gain_before = density, gain
    return before


def _ratio(width: int, batch: int, density: float, seconds: float) -> float:
    """Return how many times longer the masked backend takes, both in turns."""
    graph = erdos_renyi(width, width, density, seed=0)
    with torch.random.fork_rng(devices=[]):
        layers = [SparseLinear(width, width, graph=graph, backend=backend) for backend in ("masked", "csr")]
    x = torch.randn(batch, width, generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimizers = [SGD(layer.parameters(), lr=1e-4, momentum=0.9, fused=True) for layer in layers]

    def step(i: int) -> float:
        start = time.perf_counter()
        optimizers[i].zero_grad()
        layers[i](x).sum().backward()
        optimizers[i].step()
        return time.perf_counter() - start

    for i in (0, 1, 0, 1):
        step(i)
    times: list[list[float]] = [[], []]
    end = time.perf_counter() + 2 * seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for i in (0, 1):
            times[i].append(step(i))
    return statistics.median(times[0]) / statistics.median(times[1])
