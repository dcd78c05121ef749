"""CIFAR-10: MLPs with 1 % of their links, where the paper's later version reports the largest gain over a dense MLP.

``python -m analysis.cifar10_mlp --data-dir data --jobs 2`` trains the missing runs, resumes interrupted ones, and
updates figures/cifar10_mlp.csv as runs end; it works through the rows of ``--groups`` in order. A run with constant
density takes about a quarter of an hour on one core, one whose density falls over an hour, and those of the group
``dense`` over four hours. Runs whose results are in figures/ are not repeated. ``--table`` prints the tables from the
file alone.

The network is 3072-3072-3072-3072-10, trained as in Table 1, without augmentation. The committed runs use the copy in
JPEG files; ``--dataset cifar10`` uses the official pixels. Results of these, and of other ``--epochs``, go to files of
their own.
"""

import argparse
from pathlib import Path
from typing import Any

from analysis.command import file_of, options, runs_of
from analysis.kept_results import MOST_SEEDS
from analysis.mlp_results import Published, differences, draw, table
from analysis.program import Program
from analysis.table1_mlp import BASE, CSTI
from topolearn.studies import Study, to_markdown
from topolearn.studies.study import PlannedRun

DATASETS = ("cifar10_jpeg", "cifar10")
EPOCHS = 100
FILE = Path("figures/cifar10_mlp.csv")
CHTS, CHTSS = {"method": "chts"} | CSTI, {"method": "chtss"} | CSTI
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "constant": {
        "SET": {"method": "set"},
        "RigL": {"method": "rigl"},
        "CHT": {"method": "cht"},
        "CHTs (CH2-L3n)": CHTS,
        "CHTs (CH2-L3n), BRF": CHTS | {"generator": "brf", "generator_params.r": 0.25},
        "static, CSTI": {"method": "static"} | CSTI,
    },
    "falling": {
        "CHTss (CH2-L3n)": CHTSS,
        "GraNet": {"method": "granet"},
    },
    "dense": {  # also GMP, which keeps the weights of all cells
        "FC": {"method": "dense", "density": 1.0, "backend": "masked"},
        "GMP": {"method": "gmp", "backend": "masked"},
    },
}
PAPER: Published = {  # of the later version, which does not say how it augments the images
    "FC": (62.85, 0.16, None),
    "SET": (62.70, None, 100),
    "RigL": (63.90, None, 59),
    "CHT": (59.10, None, 96),
    "CHTs (CH2-L3n)": (69.97, None, 54),
    "CHTss (CH2-L3n)": (71.29, None, 63),
    "GraNet": (69.31, None, 61),
    "GMP": (65.11, None, 75),
}
PAIRS = [("CHTs (CH2-L3n)", other) for other in ("FC", "SET", "RigL", "CHT", "CHTs (CH2-L3n), BRF", "static, CSTI")]
PAIRS += [("CHTss (CH2-L3n)", other) for other in ("FC", "CHTs (CH2-L3n)", "GraNet", "GMP")]


def study(
    group: str, *, dataset: str = DATASETS[0], data_dir: str | Path = "data", seeds: int = 3, epochs: int = EPOCHS
) -> Study:
    """Return the study of a group of rows, each with several seeds."""
    settings = tuple({"label": label, **row} for label, row in GROUPS[group].items())
    base = BASE | {"dataset": dataset, "data_dir": str(data_dir), "hidden": [3072] * 3, "epochs": epochs, "threads": 1}
    return Study(name=f"{dataset}_{group}", base=base, settings=settings, seeds=tuple(range(seeds)))


def planned(dataset: str, epochs: int) -> list[PlannedRun]:
    """Return all runs whose results the file keeps, in the order of the file."""
    studies = (study(group, dataset=dataset, seeds=MOST_SEEDS, epochs=epochs) for group in GROUPS)
    return [run for one in studies for run in one.runs()]


def results_file(dataset: str, epochs: int = EPOCHS) -> Path:
    """Return the file of the results on a data set."""
    return file_of(FILE if dataset == DATASETS[0] else FILE.with_stem(f"{FILE.stem}_official"), epochs, EPOCHS)


def program() -> Program:
    """Return the command line."""
    parser = options(__doc__, runs="runs/cifar10", file=FILE)
    parser.add_argument("--dataset", choices=DATASETS, default=DATASETS[0], help="[%(default)s]")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS), help="groups of rows to run")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train the missing runs, and write and print the tables."""
    file, plan = results_file(args.dataset, args.epochs), planned(args.dataset, args.epochs)
    size = {"dataset": args.dataset, "data_dir": args.data_dir, "seeds": args.seeds, "epochs": args.epochs}
    asked = [(study(name, **size), args.runs / file.stem / name) for name in args.groups]
    runs = runs_of(asked, args, file, plan)
    draw(runs, {args.dataset: PAPER}).savefig(file.with_suffix(".png"), dpi=130)
    for each in (table(runs, args.dataset, PAPER), differences(runs, args.dataset, PAIRS)):
        print(f"{to_markdown(each)}\n")


if __name__ == "__main__":
    program().run(main)
