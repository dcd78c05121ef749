"""An epoch of `topolearn train` compared with a bare loop of the dense network, for the paper's MLP.

Run it with ``python -m analysis.benchmarks.compiled_training --data-dir DIR``; it writes
figures/benchmark_compiled_training.csv. An epoch includes batches, the topology update, evaluation on the test set,
recording and checkpoints, but no measures; its time is divided by its steps. The loop of the dense network only has
prepared batches and a fused SGD. It runs after each epoch, in the same process; medians and minima are reported.
``--steps autograd`` uses autograd instead of compiled steps.

To compute without AVX-512 on a processor that has it: ``NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+avx2,+fma
ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python -m analysis.benchmarks.compiled_training --vectors avx2``.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import torch
from torch.nn import functional as F

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.devices import processor
from topolearn.sampling import torch_draws_from
from topolearn.threads import thread_count
from topolearn.training import Dataset, load_dataset
from topolearn.training.models import mlp
from topolearn.training.trainer import Trainer

FILE = Path("figures/benchmark_compiled_training.csv")
BATCHES = 8  # number of batches that the dense loop cycles through


class DenseLoop:
    """The dense network and its batches.

    Parameters
    ----------
    data : Dataset
    hidden : sequence of int
    batch_size : int
    """

    def __init__(self, data: Dataset, hidden: Sequence[int], batch_size: int) -> None:
        mean, deviation = data.standardisation()
        with torch_draws_from(0):
            self.model = mlp(data.n_features, hidden, data.n_classes)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True)
        n = BATCHES * batch_size
        self.x = ((data.train_x[:n].to(torch.float32) - mean) / deviation).split(batch_size)
        self.y = data.train_y[:n].split(batch_size)

    def steps(self, seconds: float) -> list[float]:
        """Take steps for a number of seconds, at least three steps; return the seconds of each."""
        taken: list[float] = []
        while len(taken) < 3 or sum(taken) < seconds:
            i, start = len(taken) % len(self.x), time.perf_counter()
            self.optimizer.zero_grad()
            F.cross_entropy(self.model(self.x[i]), self.y[i]).backward()
            self.optimizer.step()
            taken.append(time.perf_counter() - start)
        return taken


class Turns:
    """Records the duration of each epoch, and runs the dense loop after it."""

    def __init__(self, dense: DenseLoop, seconds: float) -> None:
        self.dense, self.seconds = dense, seconds
        self.epochs: list[float] = []
        self.dense_steps: list[float] = []
        self._began = time.perf_counter()

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Count an epoch when its row is logged; anything later is part of the next epoch."""
        if "epoch" in metrics:
            self.epochs.append(time.perf_counter() - self._began)
            self.dense_steps += self.dense.steps(self.seconds)
            self._began = time.perf_counter()

    def log_network(self, network: tl.LayeredNetwork, step: int) -> None:
        """Ignore the topology."""

    def finish(self) -> None:
        """Do nothing."""


def measure(
    data: Dataset, density: float, threads: int, *, hidden: Sequence[int], batch_size: int, epochs: int, seconds: float,
    compiled: bool = True,
) -> dict[str, object]:  # fmt: skip
    """Return the milliseconds per step of both, as medians and minima over epochs; the first epoch warms up."""
    with tempfile.TemporaryDirectory() as folder, thread_count(threads):
        turns = Turns(DenseLoop(data, hidden, batch_size), seconds)
        config = tl.TrainConfig(
            density=density, hidden=tuple(hidden), batch_size=batch_size, epochs=epochs + 1, threads=threads,
            measures=("none",), backend="csr", run_dir=str(Path(folder) / "run"), dataset=data.name,
        )  # fmt: skip
        if compiled:
            tl.train(config, data=data, loggers=[turns], quiet=True)
        else:
            with patch.object(Trainer, "_n_compiled", lambda trainer, n_left: 0):
                tl.train(config, data=data, loggers=[turns], quiet=True)
    n_steps = -(-len(data.train_x) // batch_size)
    sparse, dense = [1e3 * each / n_steps for each in turns.epochs[1:]], [1e3 * each for each in turns.dense_steps]
    return {
        "density": density,
        "threads": threads,
        "batch": batch_size,
        "dense ms": statistics.median(dense),
        "sparse ms": statistics.median(sparse),
        "times as fast": statistics.median(dense) / statistics.median(sparse),
        "by minima": min(dense) / min(sparse),
    }


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--data-dir", default="data/mnist")
    parser.add_argument("--hidden", type=int, nargs="+", default=[1568] * 3)
    parser.add_argument("--densities", type=float, nargs="+", default=[0.01, 0.05, 0.1])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=5, help="number of epochs to measure")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for the dense loop after each epoch")
    parser.add_argument("--steps", choices=["compiled", "autograd"], default="compiled")
    parser.add_argument(
        "--vectors", default="avx512" if torch.backends.cpu.get_cpu_capability() == "AVX512" else "avx2"
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure all cases, and write the table."""
    data, rows = load_dataset(args.dataset, args.data_dir), []
    for threads in args.threads:
        for density in args.densities:
            row = measure(
                data, density, threads, hidden=args.hidden, batch_size=args.batch_size, epochs=args.epochs,
                seconds=args.seconds, compiled=args.steps == "compiled",
            )  # fmt: skip
            rows.append({"steps": args.steps, "vectors": args.vectors} | row | {"processor": processor()})
            print(pd.DataFrame(rows[-1:]).round(3).to_string(index=False), flush=True)
    table = pd.DataFrame(rows).round(4)
    if FILE.is_file():  # keep other cases
        before = pd.read_csv(FILE)
        case = ["steps", "vectors", "density", "threads", "batch", "processor"]
        table = pd.concat([before, table]).drop_duplicates(case, keep="last").sort_values(case)
    write_table(FILE, table)


if __name__ == "__main__":
    program().run(main)
