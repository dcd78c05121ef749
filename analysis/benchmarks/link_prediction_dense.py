"""Milliseconds of the dense forms at the shapes of LLaMA's layers, compared with the lower bound of their products.

Run it with ``python -m analysis.benchmarks.link_prediction_dense --device cuda``; it writes
figures/benchmark_link_prediction_dense.csv. Both alternate in one process; medians are reported. The bound for CH2-L3n
is its four matrix products; that for CH3-L3p is one product per local community, batched by degree as in the form.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from analysis.program import Program
from topolearn.generators import erdos_renyi
from topolearn.linkpred import score

FIGURES = Path("figures")
SHAPES = ((768, 768), (2048, 768), (768, 2048), (4096, 4096))  # (n_out, n_in); LLaMA-130M, and one of a larger model
DENSITIES = (0.01, 0.05, 0.1, 0.3)
LAYERS = 4  # number of layers of one shape that are scored together
BATCH = 2**22  # elements per batch of products, as in the form


def products_of_neurons(layers: Tensor) -> None:
    """Compute the four matrix products of a node-based score."""
    (layers @ layers.mT) @ layers
    (layers.mT @ layers) @ layers.mT


def products_of_paths(layers: Tensor) -> None:
    """Compute the products of a path-based score: (degree, degree) with (degree, seeds) for each community."""
    _, n_out, n_in = layers.shape
    degrees = layers.sum(dim=2).flatten().to(torch.int64)
    other = layers.sum(dim=1).flatten().to(torch.int64)
    if n_in * other.square().sum() < n_out * degrees.square().sum():
        degrees, n_out = other, n_in
    for degree, count in zip(*(column.tolist() for column in degrees.unique(return_counts=True)), strict=True):
        for first in range(0, count, max(BATCH // (degree * n_out), 1) if degree else count):
            batch = min(count - first, max(BATCH // (degree * n_out), 1)) if degree else 0
            pairs = layers.new_ones(batch, degree, degree)
            pairs @ layers.new_ones(batch, degree, n_out)


FLOORS: dict[str, Callable[[Tensor], None]] = {"ch2_l3n": products_of_neurons, "ch3_l3p": products_of_paths}


def _milliseconds(run: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1e3 * (time.perf_counter() - start)


def measure(shape: tuple[int, int], density: float, name: str, device: torch.device, repeats: int) -> dict[str, object]:
    """Return the median milliseconds of a predictor's dense form on all layers, and of its products alone."""
    n_out, n_in = shape
    masks = torch.stack([erdos_renyi(n_in, n_out, density, seed=i).to_torch(device=device) for i in range(LAYERS)])
    numbers = masks.to(torch.float32)
    runs = {
        "ms": lambda: score(masks, name, form="dense", dtype="float32"),
        "ms of its products": lambda: FLOORS[name](numbers),
    }
    times: dict[str, list[float]] = {word: [] for word in runs}
    for i in range(repeats + 1):
        for word, run in runs.items():
            milliseconds = _milliseconds(run, device)
            if i:  # the first warms up
                times[word].append(milliseconds)
    row = {"predictor": name, "outputs": n_out, "inputs": n_in, "density": density, "layers": LAYERS}
    return row | {word: round(statistics.median(each), 2) for word, each in times.items()}


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeats", type=int, default=5)
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure all shapes, and write the table."""
    import pandas as pd

    from analysis.tables import write_table

    device, rows = torch.device(args.device), []
    for shape in SHAPES:
        for density in DENSITIES:
            for name in FLOORS:
                rows.append(measure(shape, density, name, device, args.repeats))
                print(*(f"{word} {value}" for word, value in rows[-1].items()), sep="  ", flush=True)
    write_table(FIGURES / "benchmark_link_prediction_dense.csv", pd.DataFrame(rows))


if __name__ == "__main__":
    program().run(main)
