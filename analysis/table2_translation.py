"""Table 2: a Transformer that translates captions from English to German, dense and sparse, under equal conditions.

``python -m analysis.table2_translation --data-dir data --jobs 2`` trains the missing runs, resumes interrupted ones,
and updates figures/table2_translation.csv as runs end; it works through the rows of ``--groups`` in order. A run takes
about half an hour on one core. Runs whose results are in figures/ are not repeated; without these files everything is
trained. ``--table`` prints the tables from the files alone.

The paper's network is reduced to a size that suits a CPU: width 256, 4 heads, 512 hidden neurons, 3 + 3 blocks, a joint
byte-pair vocabulary of 4,000 tokens, 5,000 steps of 1,024 tokens. Learning rates are chosen on validation sentences
after a third of the steps, with ``--groups rates``.
"""

import argparse
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import transformer_runs
from analysis.kept_results import MOST_SEEDS, is_kept, joined, read_lines, slug, train_missing, write_lines
from analysis.program import CONTINUED, Program
from analysis.tables import runs_in, write_table
from analysis.transformer_runs import differences, draw, finished, for_equal_work
from analysis.translation_results import BLEU, PAIRS, table
from topolearn.studies import Study, to_markdown
from topolearn.studies.directory import StudyDirectory
from topolearn.studies.study import PlannedRun

FILE = Path("figures/table2_translation.csv")
BOOTSTRAP = FILE.with_stem("table2_bootstrap")
TEXTS = FILE.with_name("table2_translations")  # each run's translations of the test sentences
STEPS = 5000
BASE: dict[str, Any] = {
    "dataset": "multi30k", "steps": STEPS, "init": "keep", "measures": ["none"], "threads": 1, "device": "cpu",
}  # fmt: skip
SMALL = 0.1**0.5  # factor on Xavier's bound, so that the dense network starts with weights as small as at 10 % density
# Learning rates chosen by validation BLEU in `RATES`: FC and SET are best at the first, CHTss at the second. The other
# methods use the rate of the method with the same density schedule.
CONSTANT, FALLING = {"lr": 2e-3}, {"lr": 4e-3}
FC: dict[str, Any] = {"method": "dense", "density": 1.0, "schedule": "noam"} | CONSTANT
THREE_SEEDS: dict[str, dict[str, Any]] = {
    "FC, Xavier": FC,
    "FC, small Xavier": FC | {"gain": SMALL},
    "SET 10 %": {"method": "set", "density": 0.1} | CONSTANT,
    "RigL 10 %": {"method": "rigl", "density": 0.1} | CONSTANT,
    "CHTs 10 %": {"method": "chts", "density": 0.1} | CONSTANT,
    "CHTss 10 %": {"method": "chtss", "density": 0.1} | FALLING,
}
ONE_SEED: dict[str, dict[str, Any]] = {
    "GraNet 10 %": {"method": "granet", "density": 0.1} | FALLING,
    "GMP 10 %": {"method": "gmp", "density": 0.1} | FALLING,
    "MEST 10 %": {"method": "mest", "density": 0.1} | CONSTANT,
    "CHTs-GMP 10 %": {"method": "chts-gmp", "density": 0.1} | FALLING,
    "CHTss 5 %": {"method": "chtss", "density": 0.05} | FALLING,
    "CHTs 5 %": {"method": "chts", "density": 0.05} | CONSTANT,
    "SET 5 %": {"method": "set", "density": 0.05} | CONSTANT,
    "CHTs 10 %, He": {"method": "chts", "density": 0.1, "init": "he"} | CONSTANT,
    "SET 10 %, He": {"method": "set", "density": 0.1, "init": "he"} | CONSTANT,
    "CHTss 10 %, history": {"method": "chtss", "density": 0.1, "regrown": "history"} | FALLING,
}
RATES: dict[str, dict[str, Any]] = {
    f"{label}, lr {rate:g}": THREE_SEEDS[label] | {"lr": rate, "steps": STEPS // 3}
    for label in ("FC, small Xavier", "SET 10 %", "CHTss 10 %")
    for rate in (5e-4, 1e-3, 2e-3, 4e-3)
}
GROUPS = {"seeds": THREE_SEEDS, "methods": ONE_SEED, "rates": RATES}

KEPT = (
    "label", "method", "density", "init", "gain", "lr", "steps", "seed", "hash", "bleu", "chrf", "val_bleu", "links",
    "parameters", "work", "mean_density", "seconds", "topolearn", "torch",
)  # fmt: skip
DRAWN = ("label", "seed", "step", "val_bleu", "val_perplexity", "density", "work")
NAMES = {
    "test_bleu": "bleu", "test_chrf": "chrf", "best_bleu": "val_bleu", "n_links": "links",
}  # fmt: skip


def study(group: str, seeds: int, data_dir: Path) -> Study:
    """Return the study of a group of rows, each with several seeds."""
    settings = tuple({"label": label, **row} for label, row in GROUPS[group].items())
    base = BASE | {"data_dir": str(data_dir)}
    return Study(name=f"table2_{group}", base=base, settings=settings, seeds=tuple(range(seeds)), task="translation")


def planned() -> list[PlannedRun]:
    """Return all runs whose results the files keep, in the order of the files."""
    return [run for group in GROUPS for run in study(group, MOST_SEEDS, Path("data")).runs()]


def translations_of(label: str, seed: int) -> Path:
    """Return the file of a run's translations of the test sentences, one per line."""
    return TEXTS / f"{slug(label)}-s{seed}.txt.gz"


def is_missing(run: PlannedRun) -> bool:
    """Return whether the files lack the result of a run, or its translations for the bootstrap."""
    compared = {label for pair in PAIRS for label in pair}
    return not is_kept(FILE, run) or (run.label in compared and not translations_of(run.label, run.seed).is_file())


def keep_translations(one: Study, directory: Path) -> None:
    """Copy the translations of finished runs to files next to the table."""
    from topolearn.tasks.translation.training import TRANSLATIONS

    place = StudyDirectory(directory, one)
    for plan in one.runs():
        trained = place.run(plan)
        if trained is not None and trained.is_complete:
            lines = (trained.path / TRANSLATIONS).read_text(encoding="utf-8").split("\n")[:-1]
            write_lines(translations_of(plan.label, plan.seed), lines)


def bootstrap(runs: pd.DataFrame, data_dir: Path) -> pd.DataFrame:
    """Return the p-value of each difference in BLEU, seed by seed, from paired bootstrap resampling of sentences."""
    from topolearn.tasks.translation import compare, read_corpus

    references = read_corpus("multi30k", data_dir=data_dir).test.target
    rows = []
    for first, second in PAIRS:
        for seed in sorted(set(runs["seed"])):
            files = [translations_of(label, seed) for label in (second, first)]
            if all(file.is_file() for file in files):
                texts = [read_lines(file) for file in files]
                result = compare(texts[0], texts[1], references)["bleu"]
                pair = {"first": first, "second": second, "seed": seed}
                rows.append(pair | {"difference": result.difference, "p_value": result.p_value})
    return pd.DataFrame(rows)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__, CONTINUED)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="contains a folder with Multi30k")
    parser.add_argument("--runs", type=Path, default=Path("runs/table2"), help="where the runs are kept")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=["rates", "seeds", "methods"], help="groups")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the rows with several [%(default)s]")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--table", action="store_true", help=f"train nothing: update {FILE} from finished runs")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train the missing runs, and write and print the tables."""
    studies = {name: study(name, args.seeds if name == "seeds" else 1, args.data_dir) for name in GROUPS}
    places = {name: (each, args.runs / name) for name, each in studies.items()}
    for name in () if args.table else args.groups:
        write_all = partial(write, places.values(), args.data_dir)
        train_missing(*places[name], write_all, jobs=args.jobs, only=is_missing)
    write(places.values(), args.data_dir)
    runs = runs_in(FILE)
    curves = runs_in(transformer_runs.curves_of(FILE)).merge(runs[["label", "seed", "steps"]], on=["label", "seed"])
    curves = curves[curves["steps"] == STEPS]  # without the runs that chose the learning rates
    if len(curves):
        title = f"Multi30k, {STEPS:,} steps, 200 validation sentences; means over seeds"
        draw(curves, BLEU, title).savefig(FILE.with_suffix(".png"), dpi=130)
    for each in (table(runs), differences(runs, BLEU, PAIRS), for_equal_work(curves, BLEU)):
        print(f"{to_markdown(each)}\n")


def write(places: Iterable[tuple[Study, Path]], data_dir: Path) -> None:
    """Write the finished runs of studies, their learning curves and the bootstrap to files."""
    from topolearn.tasks.translation.model import IDLE

    there = [(each, directory) for each, directory in places if directory.is_dir()]
    if not there:
        return
    tables = [finished(*each, BLEU, NAMES, STEPS, IDLE) for each in there]
    transformer_runs.write(tables, FILE, KEPT, DRAWN, planned())
    for each in there:
        keep_translations(*each)
    resampled, pairs = bootstrap(runs_in(FILE), data_dir), ["first", "second", "seed"]
    if len(resampled):
        former = runs_in(BOOTSTRAP) if BOOTSTRAP.is_file() else resampled[:0]
        write_table(BOOTSTRAP, joined(former, resampled, pairs).sort_values(pairs))


if __name__ == "__main__":
    program().run(main)
