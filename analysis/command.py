"""Options shared by the commands of all studies, and the table of finished runs that they write."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from analysis.tables import write_table
from topolearn.ends import forget_output, stoppable, tell_end
from topolearn.errors import MissingFileError, reason_of
from topolearn.read_errors import reading
from topolearn.studies import EXECUTORS, Study, results, run_study
from topolearn.studies.directory import DONE

KEPT = (
    "dataset", "label", "seed", "hash", "best_accuracy", "best_epoch", "last_accuracy", "n_links", "active_neurons",
    "active_neurons_authors", "overlap", "n_updates", "epochs", "seconds", "backend", "threads", "topolearn", "torch",
)  # fmt: skip


def run_main(main: Callable[[], None]) -> None:
    """Run a program; expected errors end it with one line, and Ctrl-C and SIGTERM end it as they do ``topolearn``."""
    try:
        with stoppable():
            main()
    except KeyboardInterrupt as interrupt:
        how = "run the same command again to continue from the last checkpoints"
        raise SystemExit(tell_end("analysis", interrupt, how)) from None
    except Exception as error:
        reason = reason_of(error)
        if reason is None:
            raise
        raise SystemExit(f"error: {reason}") from None
    finally:
        forget_output()


def options(description: str | None, *, runs: str, file: Path) -> argparse.ArgumentParser:
    """Return a parser with the options of every study."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="contains a folder for each data set")
    parser.add_argument("--runs", type=Path, default=Path(runs), help="where the runs are kept")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--executor", choices=EXECUTORS, default="processes")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--table", action="store_true", help=f"run nothing: recreate table and figure from {file}")
    return parser


def runs_in(file: Path, needed: Sequence[str] = ()) -> pd.DataFrame:
    """Return the finished runs that a study wrote to a file; raise an error if a needed column is missing."""
    if not file.is_file():
        raise MissingFileError(f"there is no file {str(file)!r}: run the command without --table to train and write it")
    with reading(file, "a table of runs", "run the command without --table to train and write it"):
        runs = pd.read_csv(file, float_precision="round_trip")  # since it may be rewritten
        if missing := [name for name in needed if name not in runs]:
            raise KeyError(missing[0])
    return runs


def runs_of(
    studies: Iterable[tuple[Study, Path]],
    args: argparse.Namespace,
    file: Path,
    also: Sequence[str] = (),
    whole: Iterable[tuple[Study, Path]] = (),
) -> pd.DataFrame:
    """Run studies in their directories, write their finished runs to a file, and return them.

    With ``--table`` nothing is run, and the file is read. Columns in ``also`` follow the label. If the studies are
    subsets of the ``whole`` ones, all finished runs of the latter are written, so that a subset does not drop the rest.
    """
    if args.table:
        return runs_in(file, KEPT[:2])
    tables = [
        run_study(study, path, executor=args.executor, jobs=args.jobs, retry_failed=True) for study, path in studies
    ]
    runs = pd.concat(tables, ignore_index=True)
    for row in runs[runs["state"] != DONE].itertuples():
        print(f"{row.label}, seed {row.seed}: {row.state} {row.error}")
    whole_tables = [results(study, path) for study, path in whole]
    runs = pd.concat(whole_tables or [runs], ignore_index=True).assign(epochs=args.epochs)
    done = runs[runs["state"] == DONE]
    if done.empty:
        raise SystemExit(f"no run in {args.runs} is done, so {file} is not written")
    write_table(file, done[[*KEPT[:2], *also, *KEPT[2:]]])
    return pd.read_csv(file)
