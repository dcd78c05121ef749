"""Whether a long recording stays as fast and as small as at the start: 10^5 updates of small recorded networks.

Run it with ``python -m analysis.benchmarks.soak``, which takes at most an hour on one core; it writes figures/soak.csv
and figures/soak.png, and ends with a verdict. Several methods, each with both backends, alternate in one process, and
all are recorded from the first update to the last: history, tables and a measure. At regular times it samples the
resident memory, the open descriptors, the CPU time per update, and the size of the recording. The peer is a step of the
same network, dense and without a recording, timed in each turn: because the speed of a shared machine varies, the
growth of time is judged by the ratio of both.

Growth is the slope of a regression over all samples after the first fifth, in which caches fill and links are explored,
times the length of the course, with its 95 % interval; it counts as flat if the upper bound is below 5 %.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch import nn

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.errors import InvalidValueError

FIGURES = Path("figures")
METHODS, BACKENDS = ("set", "chts", "rigl", "deepr"), ("csr", "masked")
WARM, FLAT = 0.2, 0.05  # share of the course to leave out, and growth over it that counts as flat
EVERY = 2  # steps between updates: with 1, RigL would take no gradient step
JUDGED = {"memory": ("memory", "{:.0f} MB"), "ratio": ("time", "{:.1f} dense steps")}


@dataclass
class Course:
    """A network that trains and is recorded, update by update."""

    name: str
    path: Path
    advance: Callable[[], None]
    close: Callable[[], None]


def begun(method: str, backend: str, folder: Path, n_updates: int) -> Course:
    """Start training a network of three small layers, with a topology update every second step."""
    torch.manual_seed(0)
    rule = tl.method(method, density=0.1, stop_fraction=1.0, interval=EVERY if tl.method(method).interval else None)
    dense = nn.Sequential(nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 10))
    model = tl.sparsify(dense, rule, backend=backend)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=EVERY * (n_updates + 1), interval=EVERY)
    recorder = tl.record(folder / f"{method}-{backend}", topology, measures=["closure"], every=100)
    batches = torch.randn(64, 16, 32)

    def advance() -> None:
        for _ in range(EVERY):
            loss = model(batches[topology.n_steps % len(batches)]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            topology.step()
        recorder.log(loss=loss.item())

    return Course(f"{method}, {backend}", recorder.path, advance, recorder.close)


def dense_step() -> Callable[[], None]:
    """Return a step of the same network, dense."""
    model = nn.Sequential(nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer, batch = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9), torch.randn(16, 32)

    def step() -> None:
        optimizer.zero_grad()
        model(batch).square().mean().backward()
        optimizer.step()

    return step


def soak(methods: Sequence[str], backends: Sequence[str], n_updates: int, n_samples: int, folder: Path) -> pd.DataFrame:
    """Train all networks, alternating, and return a row for each sample.

    Returns
    -------
    DataFrame
        Total ``updates`` so far, ``memory`` (MB), ``descriptors``, ``recorded`` (MB), ``files``, ``time`` (median CPU
        milliseconds per update), ``peer`` (per dense step), their ``ratio``, and ``time NAME`` for each network.
    """
    try:
        import psutil
    except ImportError:
        raise InvalidValueError("psutil is not installed: pip install 'topolearn[bench]'") from None
    pairs = [(method, backend) for method in methods for backend in backends]
    per_turn = max(n_updates // (n_samples * len(pairs)), 1)
    courses = [begun(*pair, folder, per_turn * n_samples) for pair in pairs]
    process, rows, step = psutil.Process(), [], dense_step()
    for sample in range(1, n_samples + 1):
        times = {f"time {course.name}": float(np.median(list(_timed(course.advance, per_turn)))) for course in courses}
        peer = float(np.median(list(_timed(step, 10 * per_turn))))
        mean = float(np.mean(list(times.values())))
        sizes = [file.stat().st_size for course in courses for file in course.path.rglob("*") if file.is_file()]
        rows.append(
            {
                "updates": sample * per_turn * len(courses),
                "memory": process.memory_info().rss / 1e6,
                "descriptors": process.num_fds(),
                "recorded": sum(sizes) / 1e6,
                "files": len(sizes),
                "time": mean,
                "peer": peer,
                "ratio": mean / peer,
                **times,
            }
        )
    for course in courses:
        course.close()
        _check(course, per_turn * n_samples)
    return pd.DataFrame(rows)


def _timed(call: Callable[[], None], n: int) -> Iterator[float]:
    for _ in range(n):
        start = time.process_time()
        call()
        yield 1e3 * (time.process_time() - start)


def _check(course: Course, n_updates: int) -> None:
    """Raise an error if a recording lacks updates."""
    run = tl.Run(course.path)
    counts = len(run.history.steps) - 1, len(run.network) - 1, len(run.metrics)
    if counts != (n_updates,) * 3:
        raise InvalidValueError(f"{course.path} has {counts} updates and rows, not {n_updates} each")


def growth(table: pd.DataFrame, column: str) -> tuple[float, float]:
    """Return the growth of a column over the course, relative to its mean, and half the width of its 95 % interval."""
    late = table[table["updates"] > WARM * table["updates"].max()]
    line = stats.linregress(late["updates"], late[column])
    scale = table["updates"].max() / late[column].mean()
    half = float(stats.t.ppf(0.975, max(len(late) - 2, 1))) * float(
        np.nan_to_num(line.stderr)
    )  # NaN if all values are equal
    return float(line.slope * scale), float(half * scale)


def verdict(table: pd.DataFrame) -> str:
    """Return one line that says whether memory, descriptors and time are flat.

    Examples
    --------
    >>> course = {"updates": range(1, 9), "memory": [300.0] * 8, "descriptors": [9] * 8, "ratio": [8.0] * 8}
    >>> verdict(pd.DataFrame(course))
    'flat: memory 300 MB grows by 0.0 % (+- 0.0), time 8.0 dense steps grows by 0.0 % ..., 9 descriptors (at most 9)'
    """
    words, flat = [], table["descriptors"].iloc[-1] <= table["descriptors"].iloc[len(table) // 4]
    for column, (name, unit) in JUDGED.items():
        share, half = growth(table, column)
        flat = flat and share + half < FLAT
        words.append(
            f"{name} {unit.format(table[column].mean())} grows by {100 * share + 0:.1f} % (+- {100 * half:.1f})"
        )
    descriptors = f"{table['descriptors'].iloc[-1]} descriptors (at most {table['descriptors'].max()})"
    return f"{'flat' if flat else 'NOT FLAT'}: {', '.join(words)}, {descriptors}"


def draw(table: pd.DataFrame, file: Path) -> None:
    """Plot memory, time and the size of the recording over the updates."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3), layout="constrained")
    titles = {"memory": "resident memory (MB)", "ratio": "an update (dense steps)", "recorded": "recorded (MB)"}
    for axes, (column, title) in zip(figure.subplots(1, 3), titles.items(), strict=True):
        axes.plot(table["updates"], table[column], linewidth=1)
        axes.set(xlabel="updates", title=title, ylim=(0, 1.15 * table[column].max()))
    figure.savefig(file, dpi=150)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--updates", type=int, default=100_000, help="total number of updates of all networks")
    parser.add_argument("--samples", type=int, default=250, help="number of samples of memory and time")
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--backends", nargs="+", default=BACKENDS, choices=BACKENDS)
    parser.add_argument("--output", type=Path, default=FIGURES / "soak.csv")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run the soak test, and write its table and figure."""
    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        table = soak(args.methods, args.backends, args.updates, args.samples, folder)
    finally:
        shutil.rmtree(folder)
    write_table(args.output, table.round(4))
    draw(table, args.output.with_suffix(".png"))
    print(verdict(table))


if __name__ == "__main__":
    program().run(main)
