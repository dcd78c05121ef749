"""`verify`: finds files of a run or a study that are changed, cut off, missing or corrupt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from topolearn.errors import InvalidValueError, MissingFileError
from topolearn.recording.integrity.unchanged import accept
from topolearn.recording.plan import is_run
from topolearn.verification.file import check_file
from topolearn.verification.run import check_run

if TYPE_CHECKING:
    import pandas as pd

    from topolearn.recording.integrity.listed import Finding

OF_A_STUDY = "study.toml"


def verify(path: str | Path, *, accept_changes: bool = False) -> pd.DataFrame:
    """Check every file of a run or a study, or a single file, and return the state of each.

    The files of a run are compared with its manifest, and each is read completely. A single file is read according to
    its name. Nothing is written, unless changes are accepted.

    Parameters
    ----------
    path : path
        The directory of a run or a study, or a file: a graph, a checkpoint, a configuration, or a table.
    accept_changes : bool
        Write a new manifest with the current files of the run, or of each run of the study. The changes are noted under
        "accepted" in the run's environment.

    Returns
    -------
    DataFrame
        One row per file: ``file``, ``state``, ``size`` in bytes, and ``detail``. States are whole, changed, cut,
        missing, corrupt (its content is invalid) and unchecked (readable, but not listed in the manifest: runs of
        earlier versions have no manifest, and runs that were killed may have written more files).

    Raises
    ------
    MissingFileError, InvalidValueError
        When the path does not exist, or is a directory of something else.

    Examples
    --------
    >>> import tempfile, topolearn as tl
    >>> folder = tempfile.mkdtemp()
    >>> run = tl.train(tl.TrainConfig(epochs=1, hidden=(16,), run_dir=f"{folder}/run"), quiet=True)
    >>> table = verify(run.path)
    >>> set(table["state"])
    {'whole'}
    >>> _ = (run.path / "metrics.csv").write_text("step,loss\\n1,0.0\\n")
    >>> table = verify(run.path)
    >>> table.loc[table["state"] != "whole", ["file", "state"]].values.tolist()
    [['metrics.csv', 'cut']]
    """
    import pandas as pd

    path = Path(path)
    rows = [(f"{prefix}{each.file}", *each[1:]) for prefix, each in _checked(path, accept_changes=accept_changes)]
    return pd.DataFrame(rows, columns=["file", "state", "size", "detail"])


def _checked(path: Path, *, accept_changes: bool) -> list[tuple[str, Finding]]:
    if is_run(path):
        return [("", each) for each in _of_run(path, accept_changes=accept_changes)]
    if (path / OF_A_STUDY).is_file():
        findings = [("", check_file(path / OF_A_STUDY))]
        runs = sorted(each for each in path.iterdir() if each.is_dir() and is_run(each))
        of_runs = {run: _of_run(run, accept_changes=accept_changes) for run in runs}
        return findings + [(f"{run.name}/", each) for run, several in of_runs.items() for each in several]
    if path.is_dir():
        raise InvalidValueError(f"{path} is neither a run nor a study: pass the directory of one, or a file")
    if not path.exists():
        raise MissingFileError(f"there is no file or directory {str(path)!r}: check the path")
    if accept_changes:
        raise InvalidValueError(f"{path} is a file, which has no manifest: accept_changes is for runs and studies")
    return [("", check_file(path))]


def _of_run(path: Path, *, accept_changes: bool) -> list[Finding]:
    if accept_changes:
        accept(path)
    return check_run(path)
