"""The results directory of a study: its runs, and the state of each."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli_w
from filelock import FileLock

from topolearn.confined import check_confined
from topolearn.errors import CorruptFileError, InvalidValueError
from topolearn.files import remove_asides, written_aside
from topolearn.recording import Run
from topolearn.studies.identity import FORMAT, check_same
from topolearn.studies.study import PlannedRun, Study
from topolearn.version import own_version

RECORD = "study.toml"
DONE, FAILED, UNFINISHED, MISSING = STATES = ("done", "failed", "unfinished", "missing")


class StudyDirectory:
    """A directory with one subdirectory per run, named by its hash, and the files of the whole study.

    ``study.toml`` identifies the study; ``errors/`` has the traceback of each failed run; ``locks/`` prevents two
    processes from training the same run; ``results.csv`` is the table of all runs.

    Parameters
    ----------
    path : path
    study : Study

    Raises
    ------
    InvalidValueError, CorruptFileError
        When the directory holds something else: runs of another study, results in another format, or other files.
    """

    def __init__(self, path: str | Path, study: Study) -> None:
        path = Path(path)
        record = path / RECORD
        if record.is_file():
            _check_record(record, study)
        elif path.exists() and not _is_free(path) and not record.is_file():  # another process may have just written it
            raise InvalidValueError(f"{path} is not a results directory, as it has no {RECORD}: choose another one")
        self.path, self.study = path.resolve(), study  # workers may be elsewhere

    def prepare(self) -> None:
        """Create the directory, or update the list of runs in an existing one.

        Raises
        ------
        InvalidValueError, UnsafePathError
            When the directory cannot be created, or a symbolic link in it points outside it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidValueError(
                f"the results directory {self.path} cannot be created ({error.strerror}): choose another one"
            ) from None
        check_confined(self.path)
        content: dict[str, Any] = {"format": FORMAT, "name": self.study.name, "topolearn": own_version()}
        content["run"] = [{"label": run.label, "seed": run.seed, "hash": run.hash} for run in self.study.runs()]
        with self.writing(), written_aside(self.path / RECORD) as aside:
            aside.write_text(tomli_w.dumps(content), encoding="utf-8")
        for folder in ("errors", "locks"):  # after the record, by which other processes recognise the directory
            (self.path / folder).mkdir(exist_ok=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock for writing files of the whole study, which other processes may write as well."""
        with FileLock(self.path / ".lock"):
            remove_asides(self.path.glob(".*"))
            yield

    def run_dir(self, run: PlannedRun) -> Path:
        """Return the directory of a run."""
        return self.path / run.id

    def lock_file(self, run: PlannedRun) -> Path:
        """Return the file that is locked while the run is being trained."""
        return self.path / "locks" / f"{run.id}.lock"

    def error_file(self, run: PlannedRun) -> Path:
        """Return the file for the traceback of a failed run."""
        return self.path / "errors" / f"{run.id}.txt"

    def state(self, run: PlannedRun) -> str:
        """Return the state of a run: ``done``, ``failed``, ``unfinished`` (started but incomplete) or ``missing``."""
        begun = self.run(run)
        if begun is not None and begun.is_complete:
            return DONE
        if self.error_file(run).is_file():
            return FAILED
        return MISSING if begun is None else UNFINISHED

    def run(self, run: PlannedRun) -> Run | None:
        """Return the run, or None if it has not been started.

        Raises
        ------
        InvalidValueError
            When the run was trained with other values.
        """
        path = self.run_dir(run)
        if not (path / "config.toml").is_file():
            return None
        begun = Run(path)
        check_same(begun.config, run.config, path)
        return begun

    def error(self, run: PlannedRun) -> str:
        """Return the first line of the error of a failed run, or an empty string."""
        file = self.error_file(run)
        return file.read_text(encoding="utf-8").partition("\n")[0] if file.is_file() else ""


def _is_free(path: Path) -> bool:
    """Return whether a path is a directory that is empty except for temporary files."""
    return path.is_dir() and not any(not each.name.startswith(".") for each in path.iterdir())


def _check_record(record: Path, study: Study) -> None:
    """Raise if a directory is of another format or another study."""
    try:
        content = tomllib.loads(record.read_text(encoding="utf-8"))
        recorded, name = content["format"], content["name"]
    except (ValueError, OSError, RecursionError, KeyError) as error:
        raise CorruptFileError(f"{record} is not a readable study record ({error}): choose another directory") from None
    if recorded != FORMAT:
        raise InvalidValueError(
            f"{record.parent} has results in format {recorded} (topolearn {content.get('topolearn', 'unknown')}), but "
            f"this version of topolearn ({own_version()}) uses format {FORMAT}: choose another directory"
        )
    if name != study.name:
        raise InvalidValueError(
            f"{record.parent} holds the runs of study {name!r}, not {study.name!r}: choose another directory"
        )
