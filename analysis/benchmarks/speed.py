"""All ratios in the README's section on speed, from one command: topolearn, its peers, and the machine's limits.

Run it with ``python -m analysis.benchmarks.speed --data-dir DIR`` (``pip install '.[bench]'``, for sparselab); it takes
about ten minutes, and writes figures/speed.csv and figures/speed.png. Each row is a computation and a peer, which
alternate in one process; ratios are ratios of medians. ``floor ms`` is the minimum time of the computation according to
the machine's peaks (`analysis.benchmarks.roofline`), measured beforehand, and ``share of floor, %`` is how close
topolearn gets. ``--table`` prints the README's table and redraws the figures from files alone, including
figures/training_speed.png from the results of ``topolearn bench train --output figures/benchmark_training.csv``.
"""

import argparse
import statistics
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import torch

from analysis.benchmarks import compiled_training, layers, update_cost, wide_layers
from analysis.benchmarks.roofline import Floor, Peaks, measure_peaks
from analysis.program import Program
from analysis.tables import write_table
from topolearn import plotting
from topolearn.devices import processor
from topolearn.evolution import METHODS
from topolearn.threads import thread_count
from topolearn.training import Dataset, load_dataset

FILE, PICTURE = Path("figures/speed.csv"), Path("figures/speed.png")
BY_DENSITY = Path("figures/benchmark_training.csv")  # from `topolearn bench train`
HIDDEN, BATCH = (1568, 1568, 1568), 32
UPDATES = ("set", "rigl", "chts")
STEP, LAYER, WIDE, UPDATE = "training step", "layer", "wide step", "topology update"
Row = dict[str, Any]


def training_steps(data: Dataset, densities: list[float], peaks: Peaks, epochs: int, seconds: float) -> Iterator[Row]:
    """Yield epochs of ``topolearn train`` divided by their steps, compared with a bare loop of the dense network."""
    sizes = [data.n_features, *HIDDEN]
    for density in densities:
        row = compiled_training.measure(
            data, density, peaks.threads, hidden=HIDDEN, batch_size=BATCH, epochs=epochs, seconds=seconds
        )
        shapes = [(n_in, n_out, round(density * n_in * n_out)) for n_in, n_out in pairwise(sizes)]
        floor = peaks.floor([*shapes, (HIDDEN[-1], 10, 10 * HIDDEN[-1])], BATCH, step=True)
        yield _row(STEP, f"MLP, {density:.0%}", "dense", row["sparse ms"], row["dense ms"], floor)


def single_layers(densities: list[float], batches: list[int], peaks: Peaks, seconds: float) -> Iterator[Row]:
    """Yield one layer forward and backward, compared with sparselab's layer, torch's CSR and a dense layer."""
    n_in, n_out = layers.SHAPES[0]
    kinds = ("topolearn", "sparselab", "torch csr", "dense")
    for density in densities:
        for batch in batches:
            with thread_count(peaks.threads):
                times = layers.measure(layers.passes(n_in, n_out, density, batch, kinds), seconds)
            ours, *theirs = (statistics.median(times[kind]) for kind in kinds)
            floor = peaks.floor([(n_in, n_out, round(density * n_in * n_out))], batch, step=False)
            for peer, ms in zip(kinds[1:], theirs, strict=True):
                yield _row(LAYER, f"{n_in} x {n_out}, {density:.0%}, batch {batch}", peer, ours, ms, floor)


def wide_steps(widths: list[int], peaks: Peaks) -> Iterator[Row]:
    """Yield steps of networks that are too wide for a dense peer."""
    for width in widths:
        row = wide_layers.in_process("--case", wide_layers.COMPILED, width, "--threads", peaks.threads)
        n_links = wide_layers.LINKS * width
        shapes = [(wide_layers.FEATURES, width, n_links), (width, width, n_links), (width, width, n_links)]
        floor = peaks.floor(shapes, wide_layers.BATCH, step=True)
        yield _row(
            WIDE, f"{width:,} neurons per layer, {3 * n_links:,} links", "", row["ms a step"], float("nan"), floor
        )


def updates(methods: list[str], peaks: Peaks, n: int) -> Iterator[Row]:
    """Yield topology updates of the MLP at 1 %, compared with the usual updates of whole matrices."""
    setting = update_cost.SETTINGS["MLP"]
    with thread_count(peaks.threads):
        for name in methods:
            rule = METHODS[name].with_overrides({"density": setting.density, "early_stop": False, "generator": "bsw"})
            costs = update_cost.measure(setting, rule, name, torch.device("cpu"), n, peaks)
            ours, theirs = costs["ms an update"], costs["ms an update, plain torch"]
            floor = Floor(costs["floor ms"], costs["bound by"])
            yield _row(UPDATE, f"{name}, MLP, 1%", "plain torch", ours, theirs, floor)


def _row(benchmark: str, case: str, peer: str, ours: Any, theirs: Any, floor: Floor) -> Row:
    return {
        "benchmark": benchmark,
        "case": case,
        "peer": peer,
        "topolearn ms": ours,
        "peer ms": theirs,
        "times as fast": theirs / ours,
        "floor ms": floor.ms,
        "bound by": floor.bound,
        "share of floor, %": 100 * floor.ms / ours,
    }


def summary(table: pd.DataFrame) -> str:
    """Return the README's table: the range of ratios for each benchmark and peer."""
    lines = [
        "| | compared with | one thread | two threads | share of the machine's best |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (benchmark, peer), rows in table.fillna({"peer": ""}).groupby(["benchmark", "peer"], sort=False):
        if benchmark != LAYER:
            lines += [_line(f"{benchmark}, {case}", str(peer), each) for case, each in rows.groupby("case", sort=False)]
        else:
            lines.append(_line(f"{benchmark}, {rows['case'].nunique()} cases", str(peer), rows))
    machine = f"{table['processor'].iloc[0]}, {table['vectors'].iloc[0]}"
    return "\n".join([*lines, "", f"Measured on: {machine}."])


def _line(what: str, peer: str, rows: pd.DataFrame) -> str:
    cells = [what, peer or "no peer fits"]
    for threads in (1, 2):
        each = rows[rows["threads"] == threads]
        times, ms = each["times as fast"], each["topolearn ms"]
        cells.append(f"{ms.median():,.0f} ms" if times.isna().all() else f"{_span(times)} x as fast")
    share = rows["share of floor, %"]
    cells.append("" if share.isna().all() else f"{_span(share)} %")
    return f"| {' | '.join(cells)} |"


def _span(numbers: pd.Series) -> str:
    low, high = (f"{number:.2g}" if number < 10 else f"{number:.0f}" for number in (numbers.min(), numbers.max()))
    return low if low == high else f"{low} to {high}"


def draw(table: pd.DataFrame) -> plt.Figure:
    """Plot the times of each computation and its peers, relative to the floor."""
    rows = table[(table["threads"] == 1) & table["floor ms"].notna()].reset_index(drop=True)
    labels = rows["benchmark"] + ": " + rows["case"]
    names = list(dict.fromkeys(labels))
    figure, ax = plt.subplots(figsize=(7, 0.3 * len(names) + 1.2), layout="constrained")
    place = labels.map({name: i for i, name in enumerate(names)})
    ax.scatter(rows["topolearn ms"] / rows["floor ms"], place, label="topolearn", marker="D", zorder=3)
    for peer, each in rows[rows["peer"].fillna("") != ""].groupby("peer", sort=False):
        ax.scatter(each["peer ms"] / each["floor ms"], place[each.index], label=str(peer), alpha=0.8)
    ax.axvline(1, color="black", linewidth=1)
    ax.set_xscale("log")
    ax.set_yticks(range(len(names)), names, fontsize=7)
    ax.invert_yaxis()
    ax.set_xlabel("times the least that the machine could take", fontsize=8)
    ax.grid(axis="x", alpha=0.3)
    ax.legend(fontsize=7)
    return figure


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--data-dir", default="data/mnist")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--densities", type=float, nargs="+", default=[0.01, 0.05, 0.1])
    parser.add_argument("--batches", type=int, nargs="*", default=[32, 512], help="batch sizes of single layers")
    parser.add_argument("--widths", type=int, nargs="*", default=[10**5, 10**6])
    parser.add_argument("--methods", nargs="*", default=UPDATES, choices=UPDATES)
    parser.add_argument("--epochs", type=int, default=4, help="number of epochs to measure")
    parser.add_argument("--updates", type=int, default=5, help="number of updates to measure")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each case")
    parser.add_argument("--table", action="store_true", help="print the README's table from the file, measure nothing")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure all rows on one and on two threads, write the table and the figures, and print the summary."""
    if not args.table:
        data, rows = load_dataset(args.dataset, args.data_dir), []
        for threads in args.threads:
            peaks = measure_peaks(threads)
            print(peaks, flush=True)
            for row in chain(
                training_steps(data, args.densities, peaks, args.epochs, args.seconds),
                single_layers(args.densities, args.batches, peaks, args.seconds),
                wide_steps(args.widths, peaks),
                updates(args.methods, peaks, args.updates),
            ):
                rows.append({"threads": threads, **row})
                print(*(f"{k} {v:.4g}" if isinstance(v, float) else v for k, v in rows[-1].items()), flush=True)
        vectors = "AVX-512" if torch.backends.cpu.get_cpu_capability() == "AVX512" else "AVX2"
        table = pd.DataFrame(rows).round(4).assign(vectors=vectors, processor=processor())
        write_table(FILE, table)
    table = pd.read_csv(FILE)
    draw(table).savefig(PICTURE, dpi=150)
    if BY_DENSITY.is_file():
        measured = pd.read_csv(BY_DENSITY)
        figure, ax = plt.subplots()
        plotting.training_speed(measured[measured["threads"] == 1], ax=ax)
        figure.savefig(BY_DENSITY.with_name("training_speed.png"))
    print(summary(table))


if __name__ == "__main__":
    program().run(main)
