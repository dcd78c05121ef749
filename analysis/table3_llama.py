"""Table 3: language models on WikiText-2, dense and sparse, under equal conditions.

``python -m analysis.table3_llama --data-dir data --jobs 2`` trains the missing runs, resumes interrupted ones, and
updates figures/table3_llama.csv as runs end; it works through the rows of ``--groups`` in order. A run takes about a
quarter of an hour on one core. Runs whose results are in figures/ are not repeated; without these files everything is
trained. ``--table`` prints the tables from the files alone.

The paper's LLaMA is reduced to a size that suits a CPU: width 128, 4 blocks, a byte-pair vocabulary of 2,000 tokens,
4,000 steps of 2,048 tokens. Learning rates are chosen on validation text after a third of the steps, with
``--groups rates``.
"""

import argparse
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.kept_results import MOST_SEEDS, is_kept, train_missing
from analysis.language_results import PAIRS, PERPLEXITY, table
from analysis.program import CONTINUED, Program
from analysis.tables import runs_in
from analysis.transformer_runs import curves_of, differences, draw, finished, for_equal_work, write
from topolearn.studies import Study, to_markdown
from topolearn.studies.study import PlannedRun

FILE = Path("figures/table3_llama.csv")
STEPS = 4000
BASE: dict[str, Any] = {
    "dataset": "wikitext-2", "steps": STEPS, "measures": ["none"], "threads": 1, "device": "cpu",
}  # fmt: skip
RATES = (1e-3, 3e-3, 1e-2)
MORE_RATES = (*RATES, 3e-2)  # of sparse methods, since the best of the three is the largest for SET
ZETA = {"zeta": 0.1}  # as in the paper for LLaMA, for all methods that remove a fixed share
# Learning rates chosen by validation perplexity in the group `rates`. Others use that of the method that regrows alike,
# and GMP, which starts dense and regrows nothing, that of FC.
FC: dict[str, Any] = {"method": "dense", "density": 1.0, "lr": 3e-3}
SPARSE: dict[str, dict[str, Any]] = {
    "SET": {"method": "set", "lr": 1e-2} | ZETA,
    "RigL": {"method": "rigl", "lr": 1e-2} | ZETA,
    "CHTs": {"method": "chts", "lr": 1e-2} | ZETA,
    "GMP": {"method": "gmp", "lr": 3e-3},
    "GraNet": {"method": "granet", "lr": 1e-2} | ZETA,
    "CHTss": {"method": "chtss", "lr": 1e-2} | ZETA,
    "MEST": {"method": "mest", "lr": 1e-2},
}


def sparse(name: str, sparsity: int) -> dict[str, Any]:
    """Return the options of a method at a sparsity in percent."""
    return SPARSE[name] | {"density": round(1 - sparsity / 100, 2)}


def labelled(names: list[str], sparsity: int, after: str = "", **options: Any) -> dict[str, dict[str, Any]]:
    """Return rows by their labels."""
    return {f"{name} {sparsity} %{after}": sparse(name, sparsity) | options for name in names}


BF16 = ["RigL", "GraNet", "CHTs"]
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "rates": {
        f"{label}, lr {rate:g}": row | {"lr": rate, "steps": STEPS // 3}
        for label, row in ({"FC": FC} | labelled(["SET", "RigL", "CHTs"], 90)).items()
        for rate in (RATES if label == "FC" else MORE_RATES)
    },
    "methods": {"FC": FC} | labelled(list(SPARSE), 70) | labelled(list(SPARSE), 90),
    "bf16": {
        label: row
        for precision, word in (("bf16", ", bf16 products"), ("bf16-true", ", bf16"))
        for label, row in (
            {f"FC{word}": FC | {"precision": precision}} | labelled(BF16, 90, word, precision=precision)
        ).items()
    },
    "starts": {
        "CHTs 90 %, BRF": sparse("CHTs", 90) | {"generator": "brf", "generator_params.r": 0.25},
        "CHTs 90 %, history": sparse("CHTs", 90) | {"regrown": "history"},
    },
    "sparsities": labelled(list(SPARSE), 80) | labelled(list(SPARSE), 95),
}
SEVERAL = ("methods", "starts")  # groups with several seeds
DEFAULT_GROUPS = ("rates", "methods", "bf16", "starts")

KEPT = (
    "label", "method", "sparsity", "precision", "start", "regrown", "init", "lr", "seed", "steps", "perplexity",
    "word_perplexity", "test_perplexity", "test_word_perplexity", "links", "parameters", "work", "mean_density",
    "seconds", "hash", "topolearn", "torch",
)  # fmt: skip
DRAWN = ("label", "seed", "step", "val_perplexity", "density", "work")
NAMES = {"best_perplexity": "perplexity", "n_links": "links"}


def study(group: str, seeds: int, data_dir: Path) -> Study:
    """Return the study of a group of rows, each with several seeds."""
    settings = tuple({"label": label, **row} for label, row in GROUPS[group].items())
    base = BASE | {"data_dir": str(data_dir)}
    return Study(name=f"table3_{group}", base=base, settings=settings, seeds=tuple(range(seeds)), task="language")


def planned() -> list[PlannedRun]:
    """Return all runs whose results the files keep, in the order of the files."""
    return [run for group in GROUPS for run in study(group, MOST_SEEDS, Path("data")).runs()]


def is_missing(run: PlannedRun) -> bool:
    """Return whether the file lacks the result of a run."""
    return not is_kept(FILE, run)


def rows_of(one: Study, directory: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the finished runs of a study, with the columns of the file, and the learning curves of all."""
    runs, curves = finished(one, directory, PERPLEXITY, NAMES, STEPS)
    if runs.empty:
        return pd.DataFrame(columns=list(KEPT)), pd.DataFrame(columns=list(DRAWN))
    methods = {(run.label, run.seed): run.config.build_method() for run in one.runs()}
    keys = list(zip(runs["label"], runs["seed"], strict=True))
    of_runs = [methods[key] for key in keys]
    best = curves.groupby(["label", "seed"])["val_word_perplexity"].min()  # both minima are at the same step
    columns: dict[str, list[Any]] = {
        "sparsity": [None if method.is_dense else round(1 - method.density, 2) for method in of_runs],
        "start": [method.generator for method in of_runs],
        "regrown": [None if method.is_dense else method.regrown for method in of_runs],
        "word_perplexity": [best[key] for key in keys],
    }
    runs = runs.assign(**columns, init=runs["init"].fillna("keep"))
    return runs[list(KEPT)], curves[list(DRAWN)]


def write_done(places: Iterable[tuple[Study, Path]]) -> None:
    """Write the finished runs of studies, and their learning curves, to files."""
    there = [rows_of(one, directory) for one, directory in places if directory.is_dir()]
    if there:
        write(there, FILE, KEPT, DRAWN, planned())


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__, CONTINUED)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="contains a folder with WikiText-2")
    parser.add_argument("--runs", type=Path, default=Path("runs/table3"), help="where the runs are kept")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(DEFAULT_GROUPS), help="groups of rows")
    parser.add_argument("--seeds", type=int, default=2, help="seeds of the rows with several [%(default)s]")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--table", action="store_true", help=f"train nothing: update {FILE} from finished runs")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train the missing runs, and write and print the tables."""
    studies = {name: study(name, args.seeds if name in SEVERAL else 1, args.data_dir) for name in GROUPS}
    places = {name: (each, args.runs / name) for name, each in studies.items()}
    for name in () if args.table else args.groups:
        write_all = partial(write_done, places.values())
        train_missing(*places[name], write_all, jobs=args.jobs, only=is_missing)
    write_done(places.values())
    runs = runs_in(FILE)
    curves = runs_in(curves_of(FILE)).merge(runs[["label", "seed", "steps"]], on=["label", "seed"])
    curves = curves[curves["steps"] == STEPS]  # without the runs that chose the learning rates
    if len(curves):
        title = f"WikiText-2, {STEPS:,} steps of 2,048 tokens; means over seeds"
        draw(curves, PERPLEXITY, title).savefig(FILE.with_suffix(".png"), dpi=130)
    for each in (table(runs), differences(runs, PERPLEXITY, PAIRS), for_equal_work(curves, PERPLEXITY)):
        print(f"{to_markdown(each)}\n")


if __name__ == "__main__":
    program().run(main)
