"""Table 1: a dense MLP and sparse ones with 1 % of its links, on MNIST and Fashion-MNIST, over several seeds.

It has the rows of the paper, the same methods from other initial topologies (one derived from the data matters more
than any evolution rule), and our own RigL-soft: ``python -m analysis.table1_mlp --data-dir data --jobs 2``. Finished
runs are kept and not repeated. All runs are written to figures/table1_mlp.csv with the hashes of their configurations,
with a figure next to it; the table is printed as Markdown. ``--table`` recreates both from the file alone.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.command import file_of, options, runs_of
from analysis.kept_results import MOST_SEEDS
from analysis.mlp_results import Published, differences, draw, table
from analysis.program import Program
from topolearn.studies import Study, to_markdown

DATASETS = ("mnist", "fashion_mnist")
FILE = Path("figures/table1_mlp.csv")
EPOCHS = 100

BASE = {"epochs": EPOCHS, "density": 0.01, "backend": "csr", "history": "summary", "measures": ["none"]}
CSTI = {"generator": "csti"}
L3P: dict[str, Any] = {"method": "chts", **CSTI, "regrowth": "ch3_l3p-soft"}
L3N: dict[str, Any] = {"method": "chts", **CSTI}
EM_S = {
    "density_schedule": "em_s", "start_density": 0.06, "removal": "weight_magnitude", "zeta": "none",
    "stop_fraction": 0.75,
}  # fmt: skip
COSINE = {"zeta_schedule": "cosine", "stop_fraction": 0.75}
RI_SOFT = {"removal": "relative_importance-soft"}
THEN_BSW = {"input_generator": "csti", "generator": "bsw", "generator_params.beta": 0.25}

PAPER_ROWS: dict[str, dict[str, Any]] = {
    "CHTs (CH3-L3p)": L3P,
    "CHTs (CH2-L3n)": L3N,
    "CHT": {"method": "cht"},
    "RigL": {"method": "rigl"},
    "SET": {"method": "set"},
    "CHTs (CH3-L3p), EM&S": L3P | EM_S,
}
BY_IMPORTANCE = {f"{label}, RI-soft": PAPER_ROWS[label] | RI_SOFT for label in ("CHTs (CH3-L3p)", "CHTs (CH2-L3n)")}
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "paper": PAPER_ROWS,
    "ri-soft": BY_IMPORTANCE,
    "csti": {
        "RigL, CSTI": PAPER_ROWS["RigL"] | CSTI,
        "SET, CSTI": PAPER_ROWS["SET"] | CSTI,
        "static, CSTI": {"method": "static", **CSTI},
    },
    "csti+bsw": {f"{label}, CSTI + BSW": row | THEN_BSW for label, row in {**PAPER_ROWS, **BY_IMPORTANCE}.items()},
    "preset": {"RigL-soft": L3P | {"regrowth": "gradient", "percolation": False}},  # from analysis.preset_search
    "readings": {  # interpretations of what the paper leaves open
        "CHTs (CH3-L3p), no weight decay": L3P | {"weight_decay": 0.0},
        "CHT, never stopped": PAPER_ROWS["CHT"] | {"early_stop": False},
        "CHT, cosine zeta": PAPER_ROWS["CHT"] | COSINE,
        "CHT, cosine zeta, never stopped": PAPER_ROWS["CHT"] | COSINE | {"early_stop": False},
        "RigL, dense weights' scale": PAPER_ROWS["RigL"] | {"weight_scale": "cells"},
        "SET, dense weights' scale": PAPER_ROWS["SET"] | {"weight_scale": "cells"},
    },
    "dense": {"FC": {"method": "dense", "density": 1.0, "backend": "masked"}},
}

PAPER: dict[str, Published] = {
    "mnist": {
        "FC": (98.78, 0.02, None),
        "CHTs (CH3-L3p)": (98.81, 0.04, 20),
        "CHTs (CH2-L3n)": (98.76, 0.05, 27),
        "CHT": (98.48, 0.04, 29),
        "RigL": (98.61, 0.01, 29),
        "SET": (98.14, 0.02, 100),
    },
    "fashion_mnist": {
        "FC": (90.88, 0.02, None),
        "CHTs (CH3-L3p)": (90.93, 0.03, 89),
        "CHTs (CH2-L3n)": (90.67, 0.05, 73),
        "CHT": (88.70, 0.07, 30),
        "RigL": (89.91, 0.07, 55),
        "SET": (89.00, 0.09, 100),
    },
}
PAIRS = [("CHTs (CH3-L3p)", other) for other in ("CHTs (CH2-L3n)", "CHT", "RigL", "SET", "FC")] + [("CHT", "SET")]
PAIRS += [(other, "CHTs (CH3-L3p)") for other in ("CHTs (CH3-L3p), CSTI + BSW", "RigL-soft")]


def study(
    dataset: str,
    *,
    data_dir: str | Path = "data",
    seeds: int = 3,
    epochs: int = EPOCHS,
    groups: Sequence[str] = tuple(GROUPS),
) -> Study:
    """Return the study of a data set: the rows of some groups, each with several seeds."""
    settings = tuple({"label": label, **row} for group in groups for label, row in GROUPS[group].items())
    base = BASE | {"dataset": dataset, "epochs": epochs, "data_dir": str(data_dir)}
    return Study(name=f"table1_{dataset}", base=base, settings=settings, seeds=tuple(range(seeds)))


def program() -> Program:
    """Return the command line."""
    parser = options(__doc__, runs="runs/table1", file=FILE)
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS), help="groups of rows to run")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run the study, and write its table and figure."""
    size = {"data_dir": args.data_dir, "seeds": args.seeds, "epochs": args.epochs}
    asked = [(study(name, **size, groups=args.groups), args.runs / name) for name in args.datasets]
    plan = [run for name in DATASETS for run in study(name, seeds=MOST_SEEDS, epochs=args.epochs).runs()]
    file = file_of(FILE, args.epochs, EPOCHS)
    runs = runs_of(asked, args, file, plan)
    draw(runs, PAPER).savefig(file.with_suffix(".png"), dpi=130)
    for name in dict.fromkeys(runs["dataset"]):
        print(f"{to_markdown(table(runs, name, PAPER[name]))}\n\n{to_markdown(differences(runs, name, PAIRS))}\n")


if __name__ == "__main__":
    program().run(main)
