"""Figure 4: the effect of beta of the small-world initialisation and of the removal rule on CHTs.

Each beta and each removal score is run on both data sets with both link predictors and all seeds:
``python -m analysis.fig4_ablation --data-dir data --jobs 2``. Results are written to figures/fig4_ablation.csv, with a
figure next to it; runs whose results are there are not repeated. The paper's size, ``--epochs 100 --all``, has its own
file. ``--table`` recreates the figure and the table from the file alone.
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.ablation import CONDITION, GRID, OF_ALL, effects, report, title
from analysis.command import file_of, options, runs_of
from analysis.kept_results import MOST_SEEDS
from analysis.program import Program
from topolearn.studies import Study

BETAS = (0.0, 0.25, 0.5, 0.75, 1.0)
REMOVALS = {
    "weight_magnitude": "WM",
    "weight_magnitude-soft": "WM-soft",
    "relative_importance": "RI",
    "relative_importance-soft": "RI-soft",
}
BETA, REMOVAL = 0.25, "weight_magnitude-soft"  # the values of CHTs, fixed in the panel of the other factor
FILE = Path("figures/fig4_ablation.csv")
EPOCHS = 20


def study(*, data_dir: str | Path = "data", seeds: int = 3, epochs: int = EPOCHS, every: bool = False) -> Study:
    """Return the study: each beta with WM-soft, each removal with beta 0.25, or every beta with every removal."""
    settings: list[dict[str, Any]] = [
        {"label": f"beta {beta:g}, {word}", "generator_params.beta": beta, "removal": removal}
        for beta in BETAS
        for removal, word in REMOVALS.items()
        if every or beta == BETA or removal == REMOVAL
    ]
    base = OF_ALL | {"epochs": epochs, "data_dir": str(data_dir)}
    return Study(name="fig4_ablation", base=base, settings=tuple(settings), grid=GRID, seeds=tuple(range(seeds)))


def panels(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the effects of beta and of the removal, over all conditions in the runs."""
    beta, removal = "generator_params.beta", "removal"
    every = len(runs[[beta, removal]].drop_duplicates()) == len(BETAS) * len(REMOVALS)
    of_beta = runs if every else runs[runs[removal] == REMOVAL]
    of_removal = runs if every else runs[runs[beta] == BETA]
    by_removal = effects(of_removal, removal, [*CONDITION, beta])
    return {
        "a) BSW, beta": effects(of_beta, beta, [*CONDITION, removal]).rename_axis("beta"),
        "b) removal": by_removal.loc[[name for name in REMOVALS if name in by_removal.index]].rename(index=REMOVALS),
    }


def program() -> Program:
    """Return the command line."""
    parser = options(__doc__, runs="runs/fig4", file=FILE, epochs=EPOCHS)
    parser.add_argument("--all", action="store_true", help="every beta with every removal")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run the study, and write its table and figure."""
    planned = study(data_dir=args.data_dir, seeds=args.seeds, epochs=args.epochs, every=args.all)
    plan = study(seeds=MOST_SEEDS, epochs=args.epochs, every=True).runs()
    file = file_of(FILE, args.epochs, EPOCHS)
    runs = runs_of([(planned, args.runs)], args, file, plan, ("regrowth", "generator_params.beta", "removal"))
    report(file, panels(runs), title(runs))


if __name__ == "__main__":
    program().run(main)
