"""`run_study`: trains the runs of a study on any executor."""

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
TURNS = 3  # how often a run is tried if its workers die


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
    """Train all unfinished runs of a study, and return the results of all its runs.

    Finished runs are skipped, and interrupted ones are resumed bit for bit. If a run fails, its error is kept and the
    other runs continue. Several processes may work on the same study in the same directory; each run is trained by only
    one of them. If the process is killed, repeat the call to continue each run from its last checkpoint.

    Parameters
    ----------
    study : Study
        The study.
    directory : path
        The results directory, created if it does not exist. It holds a directory for each run, named by its hash, and
        ``results.csv``.
    executor : str
        One of `EXECUTORS`: ``processes`` (on this machine), ``dask`` or ``slurm``.
    jobs : int
        Number of runs to train at the same time.
    threads : int, optional
        CPU threads of each run that does not set its own. By default the number of cores divided by ``jobs`` on this
        machine, and 1 on other machines. Results of csr layers do not depend on it.
    only : callable, optional
        Train only those unfinished runs for which it returns true; default all.
    after : callable, optional
        Called in this process with each run when it is done or has failed, for example to update a table.
    retry_failed : bool
        Retry failed runs from their last checkpoint.
    accept_changes : bool
        Resume runs even if their files, data or versions have changed since they began; each run notes the changes.
        Otherwise such a run fails with an error that lists them.
    options : Mapping, optional
        Options of the executor: ``address`` for Dask; ``cluster``, ``slurm_partition``, ... for submitit.
    quiet : bool
        Show no progress.

    Returns
    -------
    DataFrame
        See `results`; failed runs are included, with their errors.

    Raises
    ------
    InvalidValueError, CorruptFileError
        When the directory holds other results, or an option is invalid.
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
            raise InvalidValueError(f"{name}={value!r} must be a positive integer")
    execute = EXECUTORS[executor]
    place = StudyDirectory(directory, study)
    states = [place.state(run) for run in study.runs()]
    skipped = (DONE,) if retry_failed else (DONE, FAILED)
    left = [run for run, state in zip(study.runs(), states, strict=True) if state not in skipped]
    todo = [run for run in left if only is None or only(run)]
    place.prepare()
    jobs = min(jobs, max(len(todo), 1))
    on_this_machine = execute is in_processes
    registered = () if on_this_machine and jobs == 1 else packed()  # a single job runs in this process
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
    """Train all runs; busy runs and those whose workers died are tried again after the others.

    Returns the hashes of the runs whose workers died every time, with the last error.
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
                        "again; finished runs are kept, and the others continue from their last checkpoints"
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
        todo.sort(key=lambda run: place.state(run) != MISSING)  # a run that was started may be the one killing workers
    return lost


def _share_of_cores(jobs: int, *, on_this_machine: bool) -> int | None:
    """Return the threads of each run: this machine's cores are divided; those of other machines are unknown."""
    if not on_this_machine:
        return 1
    return None if jobs == 1 else max(cpu_count() // jobs, 1)


def _in_words(name: str, states: list[str]) -> str:
    counts = Counter(states)
    words = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"{name}: {len(states)} runs, {words}"
