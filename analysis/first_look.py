"""The first look: a wide network with 3 % of its links next to two dense ones, on bundled digits, in half a minute.

Run it with ``make run`` or ``python -m analysis.first_look``; each call creates new run directories in runs/. CHTs
trains three layers of 1,024 neurons. Its peers are the dense network of the same width, and the dense network that has
as many weights, which is narrower.
"""

import argparse
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from topolearn.training import Run, TrainConfig, train

EPOCHS = 20
WIDE, NARROW = (1024, 1024, 1024), (165, 165, 165)
NETWORKS: dict[str, dict[str, Any]] = {
    "CHTs, 3 % of the links": {"method": "chts", "density": 0.03, "hidden": WIDE, "run_dir": "chts"},
    "dense, as many weights": {"method": "dense", "hidden": NARROW, "run_dir": "dense-narrow"},
    "dense, as wide": {"method": "dense", "hidden": WIDE, "run_dir": "dense-wide"},
}


def main() -> None:
    """Train the networks, and print a table and the paths of the report and the runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="directory for the runs [runs]")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path, help="also save the figure of the topology's evolution here")
    args = parser.parse_args()
    folder = next(path for i in count(1) if not (path := args.runs / f"first-look-{i}").exists())
    common = {"epochs": args.epochs, "seed": args.seed, "threads": 1}
    runs = {
        label: train(TrainConfig(**network | common | {"run_dir": str(folder / network["run_dir"])}))
        for label, network in NETWORKS.items()
    }
    sparse, *dense = runs.values()
    report = sparse.report(compare=dense)
    if args.figure:
        shutil.copyfile(sparse.path / "figures" / "evolution.png", args.figure)
    print(f"\n{table(runs)}\n\nreport  {report.resolve().as_uri()}\nruns    {folder}")


def table(runs: dict[str, Run]) -> str:
    """Return accuracy, size and seconds of each network, one line each."""
    rows = {
        label: {
            "best accuracy": f"{run.summary['best_accuracy']:.2%}",
            "last accuracy": f"{run.summary['last_accuracy']:.2%}",
            "links": f"{run.summary['n_links']:,}",
            "active neurons": f"{run.summary['active_neurons']:.1%}",
            "updates": run.summary["n_updates"],
            "seconds": f"{run.summary['seconds']:.1f}",
        }
        for label, run in runs.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").to_string()


if __name__ == "__main__":
    main()
