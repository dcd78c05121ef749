"""`run_study`: from a study to its finished runs, on any executor, as often as it takes."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import cpu_count

from topolearn.errors import InvalidValueError, StudyError
from topolearn.spreadsheets import write_csv
from topolearn.studies.directory import DONE, FAILED, MISSING, STATES, StudyDirectory
from topolearn.studies.executors import EXECUTORS, Executor, Plan
from topolearn.studies.executors.processes import in_processes
from topolearn.studies.progress import StudyProgress
from topolearn.studies.registered import packed
from topolearn.studies.results import results
from topolearn.studies.study import PlannedRun, Study
from topolearn.studies.work import BUSY, FULL, LOST, Outcome, WorkItem, carry_out

RESULTS = "results.csv"
TURNS = 3  # how often a run is taken up whose worker died


def run_study(
    study: Study,
    directory: str | Path,
    *,
    executor: str = "processes",
    jobs: int = 1,
    threads: int | None = None,
    only: Callable[[PlannedRun], bool] | None = None,
    after: Callable[[PlannedRun], object] | None = None,
    retry_failed: bool = False,
    accept_changes: bool = False,
    options: Mapping[str, Any] | None = None,
    quiet: bool = False,
) -> pd.DataFrame:
    """Train what a study lacks, and return the results of all its runs.

    Finished runs are skipped, and interrupted ones resumed, bit for bit. A run that fails keeps its error, and the
    others go on. Several processes may work at one study in one directory at the same time: each run is trained by one
    of them. Whenever this is killed, the same call goes on from the last checkpoint of each run.

    Parameters
    ----------
    study : Study
    directory : path
        Its results directory, made if it is not there: a directory for each run, named by its hash, and
        ``results.csv``.
    executor : str
        One of `EXECUTORS`: ``processes`` of this machine, ``dask``, ``slurm``.
    jobs : int
        Runs at a time.
    threads : int, optional
        CPU threads of each run that leaves them open; default the cores of this machine over ``jobs``, and one on
        other machines. Results of csr layers do not depend on it.
    only : callable, optional
        Train the missing runs for which it is true, and leave the others; default all.
    after : callable, optional
        Called in this process with each run as it ends, done or failed, such as to write a table that grows.
    retry_failed : bool
        Take up the runs that failed, from their last checkpoint.
    accept_changes : bool
        Resume runs although their files, data or versions have changed since they began; each notes which. Otherwise
        such a run fails, and says what has changed.
    options : Mapping, optional
        Of the executor: ``address`` of Dask; ``cluster``, ``slurm_partition``, ... of submitit.
    quiet : bool
        Show no progress.

    Returns
    -------
    DataFrame
        See `results`; runs that failed are in it, with their error.

    Raises
    ------
    InvalidValueError, CorruptFileError
        When the directory has other results, or an option is refused.
    MissingPackageError
        When the executor's package is not installed.
    StudyError
        When the disk is full, or an entry that you registered cannot be sent to workers.

    Examples
    --------
    >>> import tempfile
    >>> study = Study(name="first", base={"epochs": 1, "hidden": [16], "density": 0.2, "measures": ["none"]}, seeds=[0])
    >>> table = run_study(study, tempfile.mkdtemp(), quiet=True)
    >>> table["state"].tolist(), table["n_links"].tolist()
    (['done'], [205])
    """
    for name, value in (("jobs", jobs), ("threads", threads)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InvalidValueError(f"{name}={value!r} must be a whole number of at least 1")
    execute = EXECUTORS[executor]
    place = StudyDirectory(directory, study)
    states = [place.state(run) for run in study.runs()]
    skipped = (DONE,) if retry_failed else (DONE, FAILED)
    left = [run for run, state in zip(study.runs(), states, strict=True) if state not in skipped]
    todo = [run for run in left if only is None or only(run)]
    place.prepare()
    jobs = min(jobs, max(len(todo), 1))
    on_this_machine = execute is in_processes
    registered = () if on_this_machine and jobs == 1 else packed()  # one job is done in this process
    n_threads = threads or _share_of_cores(jobs, on_this_machine=on_this_machine)
    plan = Plan(jobs, n_threads, place.path, options or {}, registered)
    lost: dict[str, str] = {}
    if todo:
        with StudyProgress(todo, _in_words(study.name, states), quiet=quiet) as progress:

            def ended(run: PlannedRun, outcome: Outcome) -> None:
                progress.ended(run, outcome, place.run(run))
                if after is not None:
                    after(run)

            lost = _turns(execute, todo, place, plan, retry_failed, accept_changes, ended, progress.again)
    table = results(study, place.path)
    gave_up = table["hash"].isin(lost)
    table.loc[gave_up, "error"] = table.loc[gave_up, "hash"].map(lost)
    with place.writing():
        write_csv(table, place.path / RESULTS)
    return table


def _turns(
    execute: Executor,
    todo: list[PlannedRun],
    place: StudyDirectory,
    plan: Plan,
    retry: bool,
    accept_changes: bool,
    ended: Callable[[PlannedRun, Outcome], None],
    again: Callable[[int], None],
) -> dict[str, str]:
    """Do all runs; those of other processes and of workers that died come again, after the rest.

    Returns the hashes of the runs whose workers died each time, with the last error.
    """
    lost: dict[str, str] = {}
    for turn in range(TURNS):
        wait, registered = turn > 0, plan.registered
        items = [WorkItem(run, place, plan.threads, retry, accept_changes, wait, registered) for run in todo]
        todo = []
        with closing(execute(carry_out, items, plan)) as outcomes:
            for item, outcome in outcomes:
                lost.pop(item.run.hash, None)
                if outcome.state == FULL:
                    raise StudyError(
                        f"the disk of {place.path} is full ({outcome.error}): free some space and start the study "
                        "again; finished runs are kept, and others go on from their last checkpoint"
                    )
                if outcome.state == LOST:
                    lost[item.run.hash] = outcome.error
                if outcome.state in (BUSY, LOST) and turn + 1 < TURNS:
                    todo.append(item.run)
                else:
                    ended(item.run, outcome)
        if not todo:
            break
        again(len(todo))
        todo.sort(key=lambda run: place.state(run) != MISSING)  # one of those begun may be what kills workers
    return lost


def _share_of_cores(jobs: int, *, on_this_machine: bool) -> int | None:
    """Return the threads of each run: this machine's cores are divided; what others have is unknown."""
    if not on_this_machine:
        return 1
    return None if jobs == 1 else max(cpu_count() // jobs, 1)


def _in_words(name: str, states: list[str]) -> str:
    counts = Counter(states)
    words = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"{name}: {len(states)} runs, {words}"
