"""Milliseconds of exact CH3-L3p and CH2-L3n for all non-links, compared with the matrix form of the paper's authors.

Run it with ``python -m analysis.benchmarks.link_prediction``; it writes figures/benchmark_link_prediction.csv. All
three alternate in one process, on one thread and on two; medians are reported. Ours start from a `BipartiteGraph` and
choose their form automatically; the matrix form starts from the dense float32 matrix that it needs. A case that would
take longer than `LIMIT` is timed on some of its rows, and marked.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from analysis.program import Program
from analysis.tables import write_table
from topolearn.generators import erdos_renyi
from topolearn.graph import BipartiteGraph
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred import PREDICTORS, score
from topolearn.linkpred.compiled import best_form, block_scores, costs

FIGURES = Path("figures")
SIZES = ((256, 256), (512, 512), (784, 1568), (1024, 1024), (1568, 1568), (768, 2048), (2048, 2048), (4096, 4096))
DENSITIES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
OURS = ("ch3_l3p", "ch2_l3n")
LIMIT = 20.0  # seconds on one thread
LONGEST = 80.0  # maximum seconds for a case on some of its rows; slower cases are left out
ROWS = 256  # output neurons that a longer case is timed on


def matrix_form(adjacency: Tensor) -> Tensor:
    """Score all cells with CH2-L3n in four matrix products, as the authors' code does for large models."""
    shared_rows, shared_columns = adjacency @ adjacency.T, adjacency.T @ adjacency
    rows, columns = adjacency.sum(dim=1), adjacency.sum(dim=0)
    by_row = (shared_rows > 0) * (shared_rows + 1) / (rows - shared_rows).clamp(min=1)
    by_column = (shared_columns > 0) * (shared_columns + 1) / (columns - shared_columns).clamp(min=1)
    return by_row @ adjacency + (by_column @ adjacency.T).T


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _ours(graph: BipartiteGraph, name: str) -> tuple[Callable[[], float] | None, str]:
    """Return a function that times a predictor once, or None if it takes too long, and the form that is used."""
    links = TwoWayCsr.of(graph)
    form = best_form(links, PREDICTORS[name], 4, "auto")
    estimate = getattr(costs(links, PREDICTORS[name], 4), form)
    if estimate * ROWS / graph.n_out > LONGEST:
        return None, f"{form}, not run: {estimate:.0f} s expected"
    if estimate < LIMIT or form == "dense":
        return lambda: _seconds(lambda: score(graph, name, dtype="float32")), form

    def on_some_rows() -> float:
        start = time.perf_counter()
        compute = block_scores(TwoWayCsr.of(graph), PREDICTORS[name], torch.float32)
        before = time.perf_counter() - start
        return before + _seconds(lambda: compute((0, ROWS))) * graph.n_out / ROWS

    return on_some_rows, f"{form}, from {ROWS} rows"


def measure(n_out: int, n_in: int, density: float, threads: int, repeats: int) -> dict[str, object]:
    """Return the median milliseconds of each, and the ratios to the matrix form."""
    torch.set_num_threads(threads)
    graph = erdos_renyi(n_in, n_out, density, seed=0)
    adjacency = graph.to_torch().to(torch.float32)
    timed = {name: _ours(graph, name) for name in OURS}
    runs = {"matrix form": lambda: _seconds(lambda: matrix_form(adjacency))}
    runs |= {name: run for name, (run, _) in timed.items() if run is not None}
    times: dict[str, list[float]] = {name: [] for name in runs}
    first = {name: run() for name, run in runs.items()}
    for name, seconds in first.items():
        if seconds > 2:  # long runs need no warm-up
            times[name].append(seconds)
    for _ in range(repeats):
        for name, run in runs.items():
            if first[name] < 2 or (first[name] < 4 and len(times[name]) < 2):
                times[name].append(run())
    row: dict[str, object] = {"outputs": n_out, "inputs": n_in, "density": density, "threads": threads}
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    row |= {f"{name} ms": round(1e3 * seconds, 2) for name, seconds in medians.items()}
    for name in OURS:
        if name in medians:
            row[f"{name} ratio"] = round(medians[name] / medians["matrix form"], 3)
        row[f"{name} form"] = timed[name][1]
    return row


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--sizes", type=int, nargs="+", help="only layers with so many outputs; keeps other rows")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure all sizes and densities, and write the table."""
    rows = []
    for threads in args.threads:
        for n_out, n_in in SIZES:
            if args.sizes and n_out not in args.sizes:
                continue
            for density in DENSITIES:
                rows.append(measure(n_out, n_in, density, threads, args.repeats))
                print(*(f"{name} {value}" for name, value in rows[-1].items()), sep="  ", flush=True)
    table, file = pd.DataFrame(rows), FIGURES / "benchmark_link_prediction.csv"
    if args.sizes and file.is_file():
        before = pd.read_csv(file)
        keys = ["threads", "outputs", "inputs", "density"]
        table = pd.concat([before, table]).drop_duplicates(keys, keep="last").sort_values("threads", kind="stable")
    write_table(file, table)


if __name__ == "__main__":
    program().run(main)
