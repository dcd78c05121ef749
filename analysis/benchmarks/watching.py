"""The cost of recording a training: each kind of history, and measures after every update, for the paper's MLP.

Run it with ``python -m analysis.benchmarks.watching``; it writes figures/benchmark_watching.csv. The network is trained
with CHTs on random images of MNIST's size and number, with one update per epoch, alternating between each kind of
history without measures and the default measures. It reports the median seconds per epoch and, because these vary by
more than recording costs, the time of the calls themselves: for the history alone, and for everything recorded at an
update, including tables, also as a share of an epoch of the run that records least. The peer is a library that pickles
the masks: ``torch.save`` of the bool masks of all layers at each update.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.evolution import TopologyUpdate
from topolearn.recording.history import KEPT
from topolearn.recording.writing.measuring import DEFAULT, Measuring
from topolearn.recording.writing.topology_log import TopologyLog
from topolearn.training import History, Run, TrainConfig

FIGURES = Path("figures")
WATCHED = {**{kind: (kind, ("none",)) for kind in KEPT}, "full, default measures": ("full", DEFAULT)}


def images(path: Path, n: int, n_features: int) -> str:
    """Write random images as a custom data set, and return its path."""
    rng = np.random.default_rng(0)
    arrays = {
        f"{split}_{kind}": rng.integers(0, high, shape).astype(np.uint8)
        for split, size in (("train", n), ("test", 1000))
        for kind, high, shape in (("x", 256, (size, n_features)), ("y", 10, size))
    }
    np.savez(path / "images.npz", **arrays)  # type: ignore[arg-type]
    return str(path / "images.npz")


def timed(call: Callable[[], object]) -> float:
    """Return the milliseconds that a call takes."""
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def calls(run: Run, folder: Path) -> dict[str, dict[str, float]]:
    """Return the ms and KiB per update of each way to record, from the updates of a run with a full history."""
    history, networks = run.history, [tl.LayeredNetwork(graphs) for _, graphs in run.history.replay()]
    costs = {}
    for kind in KEPT:
        kept = History(folder / kind, kept=kind)
        start = timed(lambda kept=kept: kept.write_initial(history.initial))  # type: ignore[misc]
        begun = _size(folder / kind)
        taken = [
            timed(lambda kept=kept, update=update: kept.write(update))  # type: ignore[misc]
            + timed(lambda kept=kept, update=update, now=now: kept.snapshot(update.step, now.graphs))  # type: ignore[misc]
            for update, now in zip(history, networks[1:], strict=True)
        ]
        joined = timed(kept.close) / len(taken)
        grown = (_size(folder / kind) - begun) / len(taken)
        costs[kind] = {
            "ms an update": statistics.median(taken) + joined,
            "KiB an update": grown,
            "KiB at the start": begun,
        }
        costs[kind]["ms at the start"] = start
    measuring = Measuring(folder, DEFAULT, 1)
    measured = [timed(lambda i=i, each=each: measuring.take(i, i, each)) for i, each in enumerate(networks)]  # type: ignore[misc]
    costs["full, default measures"] = {**costs["full"]}
    costs["full, default measures"]["ms an update"] += statistics.median(measured)
    masks = {name: g.to_torch() for name, g in networks[-1].graphs.items()}
    pickled = [timed(lambda: torch.save(masks, folder / "masks.pt")) for _ in networks]
    costs["peer: torch.save of masks"] = {"ms an update": statistics.median(pickled)}
    costs["peer: torch.save of masks"]["KiB an update"] = (folder / "masks.pt").stat().st_size / 1024
    last = history.steps[-1]
    costs["full"]["ms to replay all"] = statistics.median(timed(lambda: history.at(last)) for _ in range(3))
    return costs


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Yield a list that receives the milliseconds for recording each update."""
    record, taken = TopologyLog.record, list[float]()

    def timed_record(self: TopologyLog, update: TopologyUpdate) -> None:
        taken.append(timed(lambda: record(self, update)))

    TopologyLog.record = timed_record  # type: ignore[method-assign]
    try:
        yield taken
    finally:
        TopologyLog.record = record  # type: ignore[method-assign]


def _size(path: Path) -> float:
    return sum(file.stat().st_size for file in path.iterdir()) / 1024


def table(*, epochs: int, rounds: int, n_images: int, hidden: tuple[int, ...], density: float) -> pd.DataFrame:
    """Return a row for each way to record a training."""
    seconds: dict[str, list[float]] = {name: [] for name in WATCHED}
    recorded: dict[str, list[float]] = {name: [] for name in WATCHED}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = images(folder, n_images, 784)
        for i in range(rounds):
            for watched, (kind, measures) in WATCHED.items():
                config = TrainConfig(
                    dataset=data, method="chts", density=density, hidden=hidden, epochs=epochs, history=kind,
                    measures=measures, threads=1, run_dir=str(folder / f"{watched}-{i}"),
                )  # fmt: skip
                with stopwatch() as taken:
                    run = tl.train(config, quiet=True)
                recorded[watched] += taken
                seconds[watched] += run.metrics["seconds"].tolist()[:-1]  # the last epoch has no update
                print(f"round {i}, {watched}: {statistics.median(seconds[watched]):.2f} s per epoch", flush=True)
        rows = calls(Run(folder / "full-0"), folder)
    least = statistics.median(seconds["summary"])
    frame = pd.DataFrame(rows).T
    frame.insert(0, "s an epoch", pd.Series({name: statistics.median(each) for name, each in seconds.items()}))
    frame["ms an update, all recorded"] = pd.Series({name: statistics.median(each) for name, each in recorded.items()})
    frame["% of an epoch"] = frame["ms an update, all recorded"].fillna(frame["ms an update"]) / (10 * least)
    return frame.rename_axis("watched")


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--hidden", type=int, nargs="+", default=[1568] * 3)
    parser.add_argument("--density", type=float, default=0.01)
    return parser


def main(args: argparse.Namespace) -> None:
    """Train with each way to record, and write the table."""
    torch.set_num_threads(1)
    costs = table(
        epochs=args.epochs, rounds=args.rounds, n_images=args.images, hidden=tuple(args.hidden), density=args.density
    )
    write_table(FIGURES / "benchmark_watching.csv", costs.round(3).reset_index())
    print(costs.round(2).to_string())


if __name__ == "__main__":
    program().run(main)
