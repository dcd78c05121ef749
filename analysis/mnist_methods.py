"""Short runs of every method on the real MNIST: accuracy and seconds an epoch, over seeds.

Run it with ``python -m analysis.mnist_methods --data-dir DIR``. Finished runs are kept and not run again; the table
goes to figures/mnist_methods.csv.
"""

import argparse
from pathlib import Path

import pandas as pd

from analysis.runs import finished_run
from topolearn.training import Run, TrainConfig

METHODS = ("chts", "set", "static", "dense")
FIGURES = Path("figures")


def config_of(method: str, seed: int, args: argparse.Namespace) -> TrainConfig:
    """Return the configuration of a method and seed."""
    return TrainConfig(
        dataset="mnist",
        data_dir=args.data_dir,
        method=method,
        density=None if method == "dense" else args.density,
        epochs=args.epochs,
        threads=args.threads,
        seed=seed,
        run_dir=args.runs / f"{method}-s{seed}",
    )


def table(runs: list[Run]) -> pd.DataFrame:
    """Return a row for each method: mean and deviation of the accuracies, seconds an epoch, active neurons."""
    rows = [
        {
            "method": run.config.build_method().title,
            "seed": run.config.seed,
            "best": 100 * run.summary["best_accuracy"],
            "last": 100 * run.summary["last_accuracy"],
            "links": run.summary["n_links"],
            "active_neurons": 100 * run.summary["active_neurons"],
            "seconds_per_epoch": run.metrics["seconds"].median(),
        }
        for run in runs
    ]
    groups = pd.DataFrame(rows).groupby("method", sort=False)
    return groups.agg(
        seeds=("seed", "count"),
        best_mean=("best", "mean"),
        best_std=("best", "std"),
        last_mean=("last", "mean"),
        last_std=("last", "std"),
        links=("links", "first"),
        active_neurons=("active_neurons", "mean"),
        seconds_per_epoch=("seconds_per_epoch", "median"),
    ).round(2)


def main() -> None:
    """Run the study, and write its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder with MNIST's IDX files")
    parser.add_argument("--runs", type=Path, default=Path("runs/mnist_methods"), help="where the runs are kept")
    parser.add_argument("--density", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    runs = [finished_run(config_of(method, seed, args)) for seed in range(args.seeds) for method in METHODS]
    result = table(runs)
    FIGURES.mkdir(exist_ok=True)
    result.to_csv(FIGURES / "mnist_methods.csv")
    print(result.to_string())


if __name__ == "__main__":
    main()
