"""Results that outlive their runs: runs whose results are in figures/ are not repeated if their directories are gone.

A study of many hours is trained on several machines, and its run directories stay there. Its rows, learning curves and
translations are in figures/, identified by the label, the seed and the configuration hash of each run. If a plan has
changed since, and with it the hash, the row is left out, and its run counts as missing.
"""

import gzip
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.tables import runs_in, write_table
from topolearn.files import written_aside
from topolearn.studies import Study, run_study
from topolearn.studies.directory import DONE, StudyDirectory
from topolearn.studies.study import PlannedRun

KEY = ["label", "seed"]
MOST_SEEDS = 20  # maximum number of seeds of a row that a file keeps


def slug(label: str) -> str:
    """Return a label in a form that suits a file name.

    Examples
    --------
    >>> slug("CHTs 90 %, history")
    'chts-90-history'
    """
    return "-".join(label.replace(" %", "").replace(",", "").lower().split())


def kept_rows(file: Path, planned: Sequence[PlannedRun]) -> pd.DataFrame:
    """Return the rows of a file whose runs are still planned unchanged; empty if there is no file."""
    if not file.is_file():
        return pd.DataFrame(columns=[*KEY, "hash"])
    rows = runs_in(file, [*KEY, "hash"])
    return rows[rows["hash"].isin({run.hash for run in planned})]


def is_kept(file: Path, run: PlannedRun) -> bool:
    """Return whether a file has the result of a run."""
    return run.hash in set(kept_rows(file, [run])["hash"])


def joined(former: pd.DataFrame, new: pd.DataFrame, key: Sequence[str] = KEY) -> pd.DataFrame:
    """Return the new rows, preceded by the former rows that they do not replace.

    Examples
    --------
    >>> former = pd.DataFrame({"label": ["SET", "CHTs"], "seed": [0, 0], "bleu": [29.0, 30.0]})
    >>> new = pd.DataFrame({"label": ["SET", "SET"], "seed": [1, 0], "bleu": [29.5, 29.1]})
    >>> joined(former, new).to_numpy().tolist()
    [['CHTs', 0, 30.0], ['SET', 1, 29.5], ['SET', 0, 29.1]]
    """
    if former.empty or new.empty:
        return new if former.empty else former
    replaced = former.set_index(list(key)).index.isin(new.set_index(list(key)).index)
    return pd.concat([former[~replaced], new], ignore_index=True)


def as_planned(rows: pd.DataFrame, planned: Sequence[PlannedRun]) -> pd.DataFrame:
    """Return rows sorted by the labels of a plan, or its data sets and labels if they name both, then by seed."""
    keys: Sequence[object] = [run.label for run in planned]
    names: Iterable[object] = rows["label"]
    if "dataset" in rows:
        keys = [(run.config.dataset, run.label) for run in planned]
        names = zip(rows["dataset"], rows["label"], strict=True)
    place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    order = np.lexsort((rows["seed"].to_numpy(), np.array([place.get(name, 0) for name in names])))
    return rows.iloc[order].reset_index(drop=True)


def write_rows(file: Path, new: pd.DataFrame, planned: Sequence[PlannedRun]) -> None:
    """Write new rows to a file, together with its rows of other planned runs."""
    write_table(file, as_planned(joined(kept_rows(file, planned), new, ["hash"]), planned))


def train_missing(
    study: Study,
    directory: Path,
    write: Callable[[], object],
    *,
    jobs: int,
    only: Callable[[PlannedRun], bool],
    executor: str = "processes",
) -> None:
    """Train the requested runs of a study that are not done, and write the tables after each finished one."""
    place = StudyDirectory(directory, study)

    def after(run: PlannedRun) -> None:
        if place.state(run) == DONE:
            write()

    run_study(study, directory, executor=executor, jobs=jobs, only=only, after=after, retry_failed=True)


def write_lines(file: Path, lines: Iterable[str]) -> None:
    """Write lines of text to a compressed file whose bytes depend only on the lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{line}\n" for line in lines).encode()
    with written_aside(file) as aside:
        aside.write_bytes(gzip.compress(text, mtime=0))


def read_lines(file: Path) -> list[str]:
    """Return the lines that `write_lines` wrote."""
    return gzip.decompress(file.read_bytes()).decode().split("\n")[:-1]
