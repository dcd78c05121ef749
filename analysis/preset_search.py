"""Search for a combination of components that beats the paper's CHTs at 1 % density in an MLP.

Settings are chosen on examples held out from the training set; the test set is not used. First all combinations of
starts, removals and regrowths are run on both data sets for few epochs, then variants of the best one with one other
component changed. Finally the finalists run for as many epochs as in the paper, with several seeds:
``python -m analysis.preset_search --jobs 2``. All runs are written to figures/preset_search.csv. The winner is
retrained by ``analysis.table1_mlp``, and tested only there.
"""

import argparse
import itertools
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.command import options, runs_of
from analysis.mlp_results import differences
from analysis.program import Program
from analysis.table1_mlp import BASE, COSINE, THEN_BSW
from analysis.tables import runs_in, write_table
from topolearn.errors import InvalidValueError, StudyError
from topolearn.studies import Study, to_markdown

FILE = Path("figures/preset_search.csv")
GRID = {"dataset": ["mnist+validation", "fashion_mnist+validation"]}
STARTS: dict[str, dict[str, Any]] = {"CSTI": {"generator": "csti"}, "CSTI + BSW": THEN_BSW}
REMOVALS = {"WM-soft": "weight_magnitude-soft", "RI-soft": "relative_importance-soft"}
REGROWTHS = {
    "CH3-L3p-soft": "ch3_l3p-soft",
    "CH2-L3n-soft": "ch2_l3n-soft",
    "gradient": "gradient",
    "gradient-soft": "gradient-soft",
}
CHANGES: dict[str, dict[str, Any]] = {
    "zeta .1": {"zeta": 0.1},
    "zeta .5": {"zeta": 0.5},
    "cosine zeta": COSINE,
    "four times an epoch": {"interval": 391},
    "ERK": {"distribution": "erk"},
    "no return": {"allow_return": False},
    "no percolation": {"percolation": False},
    "mixed importance": {"removal": "importance-soft", "score_params.alpha": 0.5},
}
REFERENCE = "CSTI, WM-soft, CH3-L3p-soft"  # the paper's


def combinations() -> dict[str, dict[str, Any]]:
    """Return all combinations of a start, a removal and a regrowth, by label."""
    settings: dict[str, dict[str, Any]] = {}
    for start, removal, regrowth in itertools.product(STARTS, REMOVALS, REGROWTHS):
        row = {"method": "chts", **STARTS[start], "removal": REMOVALS[removal], "regrowth": REGROWTHS[regrowth]}
        settings[f"{start}, {removal}, {regrowth}"] = row
    return settings


def changed(label: str) -> dict[str, dict[str, Any]]:
    """Return all variants of a combination with one other component changed, by label."""
    row = combinations()[label]
    return {f"{label}; {word}": row | change for word, change in CHANGES.items()}


def study(rows: dict[str, dict[str, Any]], stage: str, *, data_dir: str | Path, seeds: int, epochs: int) -> Study:
    """Return the study of some settings, each on both data sets with several seeds."""
    settings = tuple({"label": label, **row} for label, row in rows.items())
    base = BASE | {"epochs": epochs, "data_dir": str(data_dir)}
    return Study(name=f"preset_{stage}", base=base, settings=settings, grid=GRID, seeds=tuple(range(seeds)))


def ranking(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the held-out accuracy of each setting on each data set, in percent, the best setting first.

    ``gain`` is the improvement in points over the reference, on the data set where it is smallest, because a preset
    should be better on all of them. A setting with a failed run has no gain, and comes last.

    Raises
    ------
    StudyError
        When runs of the reference failed, because all others are compared with it.
    """
    setting = _settings_of(runs)
    whole = runs.groupby(setting)["seed"].count() == len(GRID["dataset"]) * runs["seed"].nunique()
    accuracy = 100 * runs.groupby([setting, "dataset"], sort=False)["best_accuracy"].mean().unstack()
    if not whole.get(REFERENCE, False):
        raise StudyError(f"not all runs of {REFERENCE!r} are done: fix the errors above, and run them again")
    accuracy["gain"] = accuracy.sub(accuracy.loc[REFERENCE]).min(axis=1).where(whole)
    return accuracy.sort_values("gain", ascending=False, kind="stable").rename_axis(columns=None)


def finalists(runs: pd.DataFrame, number: int) -> list[str]:
    """Return the best settings so far, and the reference."""
    best = [str(label) for label in ranking(runs).dropna().index if label != REFERENCE][:number]
    return [*best, REFERENCE]


def gains(runs: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return each setting's improvement in points over the reference on a data set, paired by seed, the best first."""
    pairs = [(str(label), REFERENCE) for label in ranking(runs).dropna().index if label != REFERENCE]
    gained = differences(runs.assign(label=_settings_of(runs)), dataset, pairs)
    return gained.rename(lambda words: words.removesuffix(f" - {REFERENCE}"))


def _settings_of(runs: pd.DataFrame) -> pd.Series:
    """Return the label of each run without the data set."""
    return runs["label"].str.rpartition(", dataset=")[0].rename("setting")


def program() -> Program:
    """Return the command line."""
    parser = options(__doc__, runs="runs/preset", file=FILE)
    parser.add_argument("--first-epochs", type=int, default=40, help="epochs before the finals, with one seed")
    parser.add_argument("--finalists", type=int, default=6, help="number of finalists besides the reference")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run all stages, and write their table."""
    if args.finalists < 1:
        raise InvalidValueError(f"finalists={args.finalists} must be 1 or more: the reference is compared with them")
    first = _stage(combinations(), "combinations", 1, args.first_epochs, args)
    rows = changed(str(ranking(first).index[0]))
    first = pd.concat([first, _stage(rows, "changes", 1, args.first_epochs, args)])
    rows |= combinations()
    chosen = {label: rows[label] for label in finalists(first, args.finalists)}
    last = _stage(chosen, "finalists", args.seeds, args.epochs, args)
    write_table(FILE, pd.concat([first, last]))
    for stage in (first, last):
        print(f"{to_markdown(ranking(stage), digits=2)}\n")
    for dataset in GRID["dataset"]:
        print(f"{to_markdown(gains(last, dataset))}\n")


def _stage(
    rows: dict[str, dict[str, Any]], stage: str, seeds: int, epochs: int, args: argparse.Namespace
) -> pd.DataFrame:
    """Run a stage, or read its runs from the file."""
    if args.table:
        runs = runs_in(FILE)
        return runs[runs["stage"] == stage]
    planned = study(rows, stage, data_dir=args.data_dir, seeds=seeds, epochs=epochs)
    file = args.runs / f"{stage}.csv"
    of_stage = argparse.Namespace(**{**vars(args), "epochs": epochs})
    return runs_of([(planned, args.runs / stage)], of_stage, file, planned.runs()).assign(stage=stage)


if __name__ == "__main__":
    program().run(main)
