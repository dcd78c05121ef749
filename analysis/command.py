"""Options shared by the commands of all studies, and the table of finished runs that they write."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from analysis.kept_results import is_kept, train_missing, write_rows
from analysis.program import CONTINUED, Program
from analysis.tables import runs_in
from topolearn.studies import EXECUTORS, Study, results
from topolearn.studies.directory import DONE, FAILED
from topolearn.studies.study import PlannedRun

KEPT = (
    "dataset", "label", "seed", "hash", "best_accuracy", "best_epoch", "last_accuracy", "n_links", "active_neurons",
    "active_neurons_authors", "overlap", "n_updates", "epochs", "seconds", "backend", "threads", "topolearn", "torch",
)  # fmt: skip


def options(description: str | None, *, runs: str, file: Path, epochs: int = 100) -> Program:
    """Return a parser with the options of every study, and its usual number of epochs."""
    parser = Program(description, CONTINUED)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="contains a folder for each data set")
    parser.add_argument("--runs", type=Path, default=Path(runs), help="where the runs are kept")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=epochs, help="[%(default)s]")
    parser.add_argument("--executor", choices=EXECUTORS, default="processes")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--table", action="store_true", help=f"run nothing: recreate table and figure from {file}")
    return parser


def file_of(file: Path, epochs: int, usual: int) -> Path:
    """Return the file of a study's results; runs of an unusual length have a separate file.

    Examples
    --------
    >>> file_of(Path("figures/x.csv"), 100, 100).name, file_of(Path("figures/x.csv"), 2, 100).name
    ('x.csv', 'x_2_epochs.csv')
    """
    return file if epochs == usual else file.with_stem(f"{file.stem}_{epochs}_epochs")


def runs_of(
    studies: Iterable[tuple[Study, Path]],
    args: argparse.Namespace,
    file: Path,
    plan: Sequence[PlannedRun],
    also: Sequence[str] = (),
) -> pd.DataFrame:
    """Train the missing runs of studies in their directories, write their rows to a file, and return its rows.

    Runs whose rows are in the file are not repeated. With ``--table`` nothing is trained, and the file is read.

    Parameters
    ----------
    studies : iterable of (Study, Path)
    args : Namespace
        The options of `options`.
    file : Path
    plan : sequence of PlannedRun
        All runs whose rows the file keeps, in their order; they may be more than those of the studies.
    also : sequence of str
        Further columns, which follow the label.

    Raises
    ------
    SystemExit
        When no run is done.
    """
    if args.table:
        return runs_in(file, KEPT[:2])
    columns = [*KEPT[:2], *also, *KEPT[2:]]
    studies = list(studies)

    def write() -> None:
        tables = [results(study, path) for study, path in studies if path.is_dir()]
        done = pd.concat([runs[runs["state"] == DONE] for runs in tables], ignore_index=True)
        if len(done):
            write_rows(file, done.assign(epochs=args.epochs)[columns], plan)

    def is_missing(run: PlannedRun) -> bool:
        return not is_kept(file, run)

    for study, path in studies:
        train_missing(study, path, write, jobs=args.jobs, executor=args.executor, only=is_missing)
        runs = results(study, path)
        for label, seed, error in runs.loc[runs["state"] == FAILED, ["label", "seed", "error"]].itertuples(index=False):
            print(f"{label}, seed {seed}: {FAILED} {error}")
    write()  # also the runs that were done before, but are not in the file
    if not file.is_file():
        raise SystemExit(f"no run in {args.runs} is done, so {file} is not written")
    return runs_in(file)
