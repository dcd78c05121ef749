"""The cost of listing the files of a run with checksums, and of checking them when they are read.

Run it with ``python -m analysis.benchmarks.manifest``; it writes figures/benchmark_manifest.csv. Trainings are
recorded alternately with and without a manifest: the peer's methods do nothing. ``share`` is the share of time that a
run spends on the manifest; ``ratio``, of paired runs, has the noise of whole trainings. Opening a run, and reading all
its tables and the history, is timed for finished runs with and without a manifest.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.recording.integrity.listed import MANIFEST
from topolearn.recording.integrity.manifest import Manifest
from topolearn.training import Dataset

FILE = Path("figures/benchmark_manifest.csv")
WRITING = ("begin", "seal", "_seal", "loosen", "close")
PIXELS = 784


def images(n: int) -> Dataset:
    """Return random images of MNIST's size."""
    draw = np.random.default_rng(0)
    x = torch.tensor(draw.integers(0, 256, (n, PIXELS), dtype=np.uint8))
    y = torch.tensor(draw.integers(0, 10, n))
    return Dataset("images", x, y, x[: n // 6], y[: n // 6])


def digits(path: Path, scale: int) -> tl.Run:
    """Train the default configuration for some epochs: small files, written often."""
    return tl.train(tl.TrainConfig(epochs=5 * scale, run_dir=str(path), threads=1), quiet=True)


def mnist(path: Path, scale: int) -> tl.Run:
    """Train the paper's MLP at 1 % density on images of MNIST's size."""
    config = tl.TrainConfig(
        method="chts", density=0.01, hidden=(1568, 1568, 1568), epochs=2, run_dir=str(path), threads=1,
        measures=("none",),
    )  # fmt: skip
    return tl.train(config, data=images(15_000 * scale), quiet=True)


def loop(path: Path, scale: int) -> tl.Run:
    """Record a custom loop that logs at every step."""
    model = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.Linear(256, 10)), "set")
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    topology = tl.TopologyScheduler(model, optimizer, "set", total_steps=500 * scale, interval=20)
    x = torch.ones(32, 64)
    with tl.record(path, topology, measures=()) as recorder:
        for _ in range(500 * scale):
            loss = model(x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            topology.step()
            recorder.log(loss=loss.item())
    return tl.Run(path)


RUNS: dict[str, Callable[[Path, int], tl.Run]] = {"digits": digits, "mnist-sized": mnist, "custom loop": loop}


class Clock:
    """Total seconds spent in functions, without double counting of nested calls."""

    def __init__(self) -> None:
        self.seconds, self._depth = 0.0, 0

    def watching(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a timed version of a function."""

        @wraps(function)
        def timed(*args: Any, **words: Any) -> Any:
            began, self._depth = time.perf_counter(), self._depth + 1
            try:
                return function(*args, **words)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.perf_counter() - began

        return timed


@contextmanager
def without_manifest() -> Iterator[None]:
    """Record runs without a manifest."""
    nothing: dict[str, Any] = {name: lambda *_, **__: None for name in WRITING}
    with patch.multiple(Manifest, **nothing):
        yield


@contextmanager
def timed_manifest(clock: Clock) -> Iterator[None]:
    """Time the writing of manifests."""
    watched: dict[str, Any] = {name: clock.watching(getattr(Manifest, name)) for name in WRITING}
    with patch.multiple(Manifest, **watched):
        yield


def recorded(train: Callable[[Path, int], tl.Run], scale: int, rounds: int) -> dict[str, float]:
    """Return the medians of whole trainings with and without a manifest, and the share of time spent on it."""
    with_it, without_it, shares = [], [], []
    for n in range(rounds + 1):
        for is_listed in (True, False) if n % 2 else (False, True):
            with tempfile.TemporaryDirectory() as folder:
                clock = Clock()
                began = time.perf_counter()
                with timed_manifest(clock) if is_listed else without_manifest():
                    train(Path(folder, "run"), scale)
                taken = time.perf_counter() - began
            if n and is_listed:  # the first round compiles
                with_it.append(taken)
                shares.append(clock.seconds / taken)
            elif n:
                without_it.append(taken)
    ratio = statistics.median(a / b for a, b in zip(with_it, without_it, strict=True))
    medians = {"listed_s": statistics.median(with_it), "peer_s": statistics.median(without_it)}
    return {**medians, "ratio": ratio, "share": statistics.median(shares)}


def opened(run: tl.Run, rounds: int) -> dict[str, float]:
    """Return the milliseconds for opening a run and for reading all of it, with and without a manifest."""
    kept = (run.path / MANIFEST).read_bytes()
    taken: dict[str, list[float]] = {"open_ms": [], "open_peer_ms": [], "read_ms": [], "read_peer_ms": []}
    for n in range(rounds):
        for is_listed in (True, False) if n % 2 else (False, True):
            (run.path / MANIFEST).write_bytes(kept) if is_listed else (run.path / MANIFEST).unlink(missing_ok=True)
            peer = "" if is_listed else "peer_"
            began = time.perf_counter()
            again = tl.Run(run.path)
            _ = again.config
            taken[f"open_{peer}ms"].append(1e3 * (time.perf_counter() - began))
            _ = again.metrics, again.layers, again.network, again.history.updates
            taken[f"read_{peer}ms"].append(1e3 * (time.perf_counter() - began))
    (run.path / MANIFEST).write_bytes(kept)
    return {name: statistics.median(values) for name, values in taken.items()}


def table(rounds: int, scale: int) -> pd.DataFrame:
    """Return a row for each kind of run."""
    rows = []
    for name, train in RUNS.items():
        with tempfile.TemporaryDirectory() as folder:
            run = train(Path(folder, "run"), scale)
            size = sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file())
            row = {"run": name, "kilobytes": size // 1000} | opened(run, 5 * rounds)
        rows.append(row | recorded(train, scale, rounds))
    return pd.DataFrame(rows)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs of each kind")
    parser.add_argument("--scale", type=int, default=4, help="length of the runs")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure, print and write the table."""
    torch.set_num_threads(1)
    measured = table(args.rounds, args.scale)
    write_table(FILE, measured, float_format="%.5g")
    print(measured.to_string(index=False, float_format=lambda value: f"{value:.4g}"))


if __name__ == "__main__":
    program().run(main)
