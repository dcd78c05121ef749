"""A first look: CHTs with 5 % of the links compared with the dense network, on bundled digits, in under a minute.

Run it with ``make run`` or ``python -m analysis.first_look``; each call creates new run directories in runs/.
"""

import argparse
import shutil
from itertools import count
from pathlib import Path

import pandas as pd

from topolearn.training import Run, TrainConfig, train

EPOCHS = 40
HIDDEN = (256, 256, 256)


def main() -> None:
    """Train both networks, and print a table and the paths of the report and the runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the runs are kept [runs]")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--figure", type=Path, help="also save the figure of the topology's evolution here")
    args = parser.parse_args()
    folder = next(path for i in count(1) if not (path := args.runs / f"first-look-{i}").exists())
    sparse = _train(TrainConfig(method="chts", density=0.05), folder / "chts", args.epochs)
    dense = _train(TrainConfig(method="dense"), folder / "dense", args.epochs)
    report = sparse.report(compare=[dense])
    if args.figure:
        shutil.copyfile(sparse.path / "figures" / "evolution.png", args.figure)
    print(f"\n{_table([sparse, dense])}\n\nreport  {report.resolve().as_uri()}\nruns    {folder}")


def _train(config: TrainConfig, path: Path, epochs: int) -> Run:
    return train(config.with_values({"hidden": HIDDEN, "epochs": epochs, "run_dir": str(path)}))


def _table(runs: list[Run]) -> str:
    rows = [
        {
            "method": run.config.build_method().title,
            "best accuracy": f"{run.summary['best_accuracy']:.2%}",
            "last accuracy": f"{run.summary['last_accuracy']:.2%}",
            "links": run.summary["n_links"],
            "active neurons": f"{run.summary['active_neurons']:.1%}",
            "updates": run.summary["n_updates"],
            "seconds": f"{run.summary['seconds']:.1f}",
        }
        for run in runs
    ]
    return pd.DataFrame(rows).to_string(index=False)


if __name__ == "__main__":
    main()
