"""Table 4: zero-shot tasks for the language models of Table 3, compared with constant answers.

``python -m analysis.table4_zeroshot --data-dir data`` evaluates the finished runs of Table 3 one after another, and
updates figures/table4_zeroshot.csv as it proceeds; existing results are not recomputed. A model takes about two minutes
on one core. ``--table`` prints the tables from the file alone.

The prompts are those of lm-evaluation-harness (``pip install 'topolearn[eval]'``). The first seed of each setting is
also evaluated untrained, with its initial weights. Many scores of small models equal those of a constant answer. So
MCC, which is 0 for constant answers, is reported along with accuracy, and a star marks models that give the same answer
for at least 99 % of the documents.
"""

import argparse
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.program import Program
from analysis.tables import runs_in, write_table
from analysis.zero_shot_results import paper_comparison, paper_table, scores, wins
from topolearn.errors import MissingFileError
from topolearn.recording import Run
from topolearn.studies import to_markdown
from topolearn.studies.directory import RECORD
from topolearn.studies.identity import DIGITS, config_hash
from topolearn.tasks.language import LanguageConfig
from topolearn.tasks.zero_shot import CONSTANT, LOCAL, UNTRAINED, Candidate, as_it_began, evaluate_all, trained

FILE = Path("figures/table4_zeroshot.csv")
TRAINED = "trained"
COLUMNS = (
    "label", "model", "method", "density", "seed", "task", "n", "accuracy", "stderr", "f1", "f1_of", "mcc", "majority",
    "commonest", "commonest_share", "cut", "seconds", "hash",
)  # fmt: skip


def labelled_runs(directories: list[Path]) -> list[dict[str, Any]]:
    """Return the finished language runs in study directories, in planned order: label, settings, hash, and the run.

    Raises
    ------
    MissingFileError
        When there are none.
    """
    listed = []
    for directory in directories:
        planned = _planned(directory)
        here = [Run(file.parent) for file in sorted(directory.glob("*/config.toml"))]
        rows = [_described(run, planned) for run in here if isinstance(run.config, LanguageConfig) and run.is_complete]
        listed += sorted(rows, key=lambda row: row["place"])
    if not listed:
        raise MissingFileError(
            f"there is no finished run in {', '.join(map(str, directories))}: train some with analysis.table3_llama"
        )
    return listed


def missing_tasks(rows: pd.DataFrame, model: str, hash_: str, tasks: list[str]) -> list[str]:
    """Return the tasks that a model has not answered yet."""
    answered = set(rows.loc[(rows["hash"] == hash_) & (rows["model"] == model), "task"])
    return [task for task in tasks if task not in answered]


def answer(candidate: Candidate, row: dict[str, Any], model: str, tasks: list[str], **options: Any) -> pd.DataFrame:
    """Evaluate a model: return a row for each task, and the rows of the constant answers."""
    table = evaluate_all([candidate], tasks, **options)
    described = {name: row[name] for name in ("label", "method", "density", "seed", "hash")}
    own = table[table["model"] != CONSTANT].assign(model=model, **described)
    constant = table[table["model"] == CONSTANT].assign(label=CONSTANT, seconds=0.0)
    return pd.concat([own, constant], ignore_index=True).reindex(columns=list(COLUMNS))


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="contains the documents in a folder glue")
    parser.add_argument("--runs", type=Path, nargs="+", default=[Path("runs/table3/methods")], help="study directories")
    parser.add_argument("--tasks", nargs="+", default=list(LOCAL), metavar="NAME", help="[all with local documents]")
    parser.add_argument("--table", action="store_true", help=f"evaluate nothing: print the tables of {FILE}")
    return parser


def main(args: argparse.Namespace) -> None:
    """Evaluate models on the missing tasks, and write and print the tables."""
    if not args.table:
        answer_all(labelled_runs(args.runs), args.tasks, data_dir=args.data_dir)
    rows = read_rows()
    tables = [scores(rows, "accuracy"), scores(rows, "mcc"), wins(rows), paper_table(), paper_comparison()]
    print("\n\n".join(to_markdown(table) for table in tables if len(table)))


def answer_all(listed: list[dict[str, Any]], tasks: list[str], **options: Any) -> None:
    """Evaluate all models on the tasks that they have not answered, and write the file after each."""
    rows = read_rows() if FILE.is_file() else pd.DataFrame(columns=list(COLUMNS))
    first_seed = {label: min(row["seed"] for row in listed if row["label"] == label) for label in _each(listed)}
    for row in listed:
        name = f"{row['label']}, seed {row['seed']}"
        candidates = {TRAINED: trained(name, row["run"])}
        if row["seed"] == first_seed[row["label"]]:
            candidates[UNTRAINED] = as_it_began(f"{name}, untrained", row["run"])
        for model, candidate in candidates.items():
            missing = missing_tasks(rows, model, row["hash"], tasks)
            if missing:
                answered = answer(candidate, row, model, missing, **options)
                rows = pd.concat([each for each in (rows, answered) if len(each)], ignore_index=True)
                rows = rows[~((rows["model"] == CONSTANT) & rows.duplicated(["model", "task"]))]
                _write(rows)


def read_rows() -> pd.DataFrame:
    """Return the rows of the file, with the answers True and False as text.

    Raises
    ------
    MissingFileError
        When the file does not exist.
    """
    return runs_in(FILE).astype({"commonest": str, "f1_of": str})


def _write(rows: pd.DataFrame) -> None:
    write_table(FILE, rows.astype({"seed": "Int64"}))  # constant answers have no seed


def _each(listed: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["label"] for row in listed))


def _planned(directory: Path) -> dict[str, tuple[int, str, str]]:
    """Return the position, label and hash of a study's runs by directory; empty without the study's record."""
    record = directory / RECORD
    runs = tomllib.loads(record.read_text(encoding="utf-8"))["run"] if record.is_file() else []
    return {each["hash"][:DIGITS]: (place, each["label"], each["hash"]) for place, each in enumerate(runs)}


def _described(run: Run, planned: dict[str, tuple[int, str, str]]) -> dict[str, Any]:
    config, density = run.config, float(run.summary["density"])
    other = (len(planned), f"{config.method} {100 * density:.0f} %", config_hash(config))
    place, label, hash_ = planned.get(run.path.name, other)
    return {
        "label": label, "method": config.method, "density": density, "seed": config.seed, "hash": hash_, "run": run,
        "place": place,
    }  # fmt: skip


if __name__ == "__main__":
    program().run(main)
