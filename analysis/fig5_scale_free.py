"""Figure 5: the effect of equal partition and resort on a scale-free start of CHTs, compared with CSTI and BSW.

Each start is run on both data sets with both link predictors and all seeds:
``python -m analysis.fig5_scale_free --data-dir data --jobs 2``. Results are written to figures/fig5_scale_free.csv,
with a figure next to it; runs whose results are there are not repeated. The paper's size, ``--epochs 100``, has its own
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

SCALE_FREE = {"BSF": "bsf", "EP": "bsf+ep", "Resort": "bsf+resort", "EP + Resort": "bsf+ep+resort"}
OTHERS: dict[str, dict[str, Any]] = {
    "CSTI": {"generator": "csti"},
    "BSW": {"generator": "bsw", "generator_params.beta": 0.25},
}
FILE = Path("figures/fig5_scale_free.csv")
EPOCHS = 20


def study(*, data_dir: str | Path = "data", seeds: int = 3, epochs: int = EPOCHS) -> Study:
    """Return the study: each start on both data sets with both link predictors."""
    settings = [{"label": label, "generator": name} for label, name in SCALE_FREE.items()]
    settings += [{"label": label, **row} for label, row in OTHERS.items()]
    base = OF_ALL | {"epochs": epochs, "data_dir": str(data_dir)}
    return Study(name="fig5_scale_free", base=base, settings=tuple(settings), grid=GRID, seeds=tuple(range(seeds)))


def panels(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the effects of both techniques, and of the best scale-free start compared with the two others."""
    start = runs["label"].str.partition(",")[0]
    named = runs.assign(start=start)
    of_bsf = effects(named[start.isin(list(SCALE_FREE))], "start", CONDITION)
    best = str(of_bsf["win_rate"].idxmax())
    word = best if best == "BSF" else f"BSF, {best}"
    others = effects(named[start.isin([best, *OTHERS])], "start", CONDITION)
    return {"a) BSF": of_bsf, "b) starts": others.loc[["CSTI", best, "BSW"]].rename(index={best: word})}


def program() -> Program:
    """Return the command line."""
    parser = options(__doc__, runs="runs/fig5", file=FILE, epochs=EPOCHS)
    return parser


def main(args: argparse.Namespace) -> None:
    """Run the study, and write its table and figure."""
    planned = study(data_dir=args.data_dir, seeds=args.seeds, epochs=args.epochs)
    file = file_of(FILE, args.epochs, EPOCHS)
    plan = study(seeds=MOST_SEEDS, epochs=args.epochs).runs()
    runs = runs_of([(planned, args.runs)], args, file, plan, ("generator", "regrowth"))
    report(file, panels(runs), title(runs))


if __name__ == "__main__":
    program().run(main)
