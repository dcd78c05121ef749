"""Training steps of networks with very wide layers: 784-N-N-N-10 with ten links per neuron, N up to a million.

Run it with ``python -m analysis.benchmarks.wide_layers``; it writes figures/benchmark_wide_layers.csv. Each case runs
in its own process; its memory is the peak of the whole process, including imports. A dense network is included where it
fits. Steps use autograd or compiled code, like `topolearn train`. Updates of CHTs have rows of their own: seconds, and
the peak memory of a training with them. ``--data-dir DIR`` also trains one epoch of MNIST with `topolearn.train`,
N = 10^5, with a CHTs update every 625 steps.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.program import Program
from analysis.tables import write_table

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from topolearn import CompiledSteps, Method

FIGURES = Path("figures")
FEATURES, CLASSES, LINKS, BATCH = 784, 10, 10, 32
MOST = 2 * 10**6  # neurons of a layer that compiled steps process per second
SPARSE, COMPILED, DENSE, UPDATES = "sparse", "sparse, compiled steps", "dense", "sparse, updates of CHTs"
CASES = [(kind, width) for width in (10**4, 10**5, 10**6) for kind in (SPARSE, COMPILED, UPDATES)] + [(DENSE, 10**4)]
EPOCH_WIDTH, INTERVAL = 10**5, 625
SLOW = 10**5  # neurons per layer above which a single update is measured
DIGITS = {"seconds to make": 1, "ms a step": 1, "MiB": 0, "seconds of an epoch": 1, "seconds of an update": 2}


def sparse_network(width: int, name: str) -> tuple[Module, Method]:
    """Return a network with ten links per neuron, and the method of this name that chose them."""
    import topolearn as tl
    from topolearn.training.models import mlp

    method = tl.method(name, density=LINKS / width, distribution={"hidden1": LINKS / FEATURES})
    model = mlp(FEATURES, (width,) * 3, CLASSES, hidden_device="meta")
    return tl.sparsify(model, method, backend="csr", seed=0), method


def measure(kind: str, width: int, threads: int, seconds: float = 5) -> dict[str, float]:
    """Return the links, the milliseconds per step in this process, and its peak resident memory in MiB."""
    import torch
    from torch.nn import functional as F

    import topolearn as tl
    from topolearn.sparse import sparse_layers
    from topolearn.training.models import mlp

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    start = time.perf_counter()
    model = mlp(FEATURES, (width,) * 3, CLASSES) if kind == DENSE else sparse_network(width, "static")[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    x, y = torch.randn(BATCH, FEATURES), torch.randint(CLASSES, (BATCH,))
    made = time.perf_counter() - start

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    if kind == COMPILED:
        n = max(8, int(seconds * MOST // width))
        times = compiled_steps(tl.CompiledSteps(model, optimizer), x, y, n)
    else:
        times = timed(step, seconds)
    return {
        "links": sum(layer.n_links for layer in sparse_layers(model).values()),
        "threads": threads,
        "seconds to make": made,
        "ms a step": 1e3 * statistics.median(times),
        "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure_updates(width: int, threads: int) -> dict[str, float]:
    """Return the seconds of an update of CHTs in this process, and its peak memory in MiB; a step precedes each."""
    import torch
    from torch.nn import functional as F

    import topolearn as tl
    from topolearn.sparse import sparse_layers

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model, method = sparse_network(width, "chts")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=100, interval=1, seed=0)
    x, y = torch.randn(BATCH, FEATURES), torch.randint(CLASSES, (BATCH,))
    n_updates, times = 1 if width > SLOW else 3, []
    for _ in range(n_updates):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        start = time.perf_counter()
        topology.step()
        times.append(time.perf_counter() - start)
    return {
        "links": sum(layer.n_links for layer in sparse_layers(model).values()),
        "threads": threads,
        "updates": topology.n_updates,
        "seconds of an update": statistics.median(times),
        "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def timed(step: Callable[[], None], seconds: float) -> list[float]:
    """Return the seconds of at least three steps, after two warm-up steps."""
    times: list[float] = []
    while len(times) < 5 or sum(times) < seconds:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times[2:]


def compiled_steps(steps: CompiledSteps, x: Tensor, y: Tensor, n: int) -> list[float]:
    """Return the mean seconds per step of each slice of n compiled steps; the first slice prepares the rest."""
    from torch import arange

    marks: list[tuple[float, int]] = []

    def mark(n_steps: int) -> None:
        marks.append((time.perf_counter(), n_steps))

    steps.run(x, y, arange(BATCH).repeat(n), BATCH, on_steps=mark)
    return [(end - start) / taken for (start, _), (end, taken) in pairwise(marks)]


def measure_epoch(data_dir: str, threads: int) -> dict[str, float]:
    """Return the seconds and accuracy of one epoch of MNIST with topology updates, and the peak memory in MiB."""
    import topolearn as tl

    with tempfile.TemporaryDirectory() as folder:
        config = tl.TrainConfig(
            dataset="mnist", data_dir=data_dir, method="chts", hidden=(EPOCH_WIDTH,) * 3, epochs=1, batch_size=BATCH,
            density=LINKS / EPOCH_WIDTH, overrides={"distribution": {"hidden1": LINKS / FEATURES}},
            update_interval=INTERVAL, threads=threads, run_dir=f"{folder}/run",
        )  # fmt: skip
        run = tl.train(config)
        row = run.metrics.iloc[-1]
        return {
            "links": int(row["n_links"]),
            "threads": threads,
            "seconds of an epoch": float(run.summary["seconds"]),
            "updates": int(run.summary["n_updates"]),
            "test accuracy": float(row["test_accuracy"]),
            "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def in_process(*arguments: object) -> dict[str, float]:
    """Measure a case in its own process, and return the result."""
    command = [sys.executable, "-m", "analysis.benchmarks.wide_layers", *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--data-dir", help="folder with MNIST's files: also train an epoch")
    parser.add_argument("--case", nargs=2, metavar=("KIND", "N"), help="measure one case, in this process")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure all cases, and write the table."""
    if args.case:
        kind, width = args.case
        threads = args.threads[0]
        if kind == "epoch":
            row = measure_epoch(args.data_dir, threads)
        elif kind == UPDATES:
            row = measure_updates(int(width), threads)
        else:
            row = measure(kind, int(width), threads)
        print(json.dumps(row))
        return
    rows: list[dict[str, object]] = []
    for kind, width in CASES:
        for threads in args.threads:
            rows.append({"network": kind, "N": width, **in_process("--case", kind, width, "--threads", threads)})
            print(rows[-1], flush=True)
    if args.data_dir:
        options = ("--threads", args.threads[-1], "--data-dir", args.data_dir)
        row = in_process("--case", "epoch", EPOCH_WIDTH, *options)
        rows.append({"network": "sparse, MNIST", "N": EPOCH_WIDTH, **row})
    table = pd.DataFrame(rows).round(DIGITS)
    write_table(FIGURES / "benchmark_wide_layers.csv", table)
    print(table.to_string(index=False))


if __name__ == "__main__":
    program().run(main)
