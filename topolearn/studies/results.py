"""The results of a study: a table with one row per run, and the finished runs themselves."""

from pathlib import Path
from typing import Any

import pandas as pd

from topolearn.errors import StudyError
from topolearn.read_errors import reading
from topolearn.recording import Run
from topolearn.studies.directory import DONE, StudyDirectory
from topolearn.studies.study import PlannedRun, Study
from topolearn.task_registry import TASKS

OF_EVERY_TASK = ("n_links", "n_updates", "seconds")  # in the summary of a run, in addition to its scores
AT_THE_END = ("density", "active_neurons", "active_neurons_authors")
SETTLED = ("backend", "device", "threads")


def results(study: Study, directory: str | Path) -> pd.DataFrame:
    """Return the states of all runs of a study, and the results of the finished ones.

    Parameters
    ----------
    study : Study
        The study.
    directory : path
        The results directory of the study.

    Returns
    -------
    DataFrame
        One row per run, in the study's order: ``label``, ``seed``, ``dataset``, ``method``, the options that a setting
        or the grid has (lists as tuples), ``hash``, ``state`` (done, failed, unfinished, missing) and the first line of
        the ``error``. Finished runs also have the task's scores (for classification, test accuracies from 0 to 1:
        ``best_accuracy`` in ``best_epoch``, ``last_accuracy``), ``n_links`` and ``final_density`` of all sparse layers,
        active neurons by both definitions, ``overlap`` (mean over the epochs or updates), ``n_updates``, ``seconds``
        of training, and the backend, device, threads and versions with which they were computed.

    Raises
    ------
    InvalidValueError, CorruptFileError
        When the directory holds the results of another study or format.
    """
    place = StudyDirectory(directory, study)
    return pd.DataFrame([_row(place, run) for run in study.runs()])


def finished_runs(study: Study, directory: str | Path) -> dict[tuple[str, int], Run]:
    """Return all runs of a finished study, for details that `results` does not include.

    Parameters
    ----------
    study : Study
        The study.
    directory : path
        The results directory of the study.

    Returns
    -------
    dict of (str, int) to Run
        The runs by label and seed, in the study's order.

    Raises
    ------
    InvalidValueError, CorruptFileError
        When the directory holds the results of another study or format.
    StudyError
        When runs are not finished; the message lists them all, with the first lines of their errors.

    Examples
    --------
    >>> import tempfile
    >>> study = Study(name="none_yet", settings=[{"label": "SET", "method": "set"}])
    >>> finished_runs(study, tempfile.mkdtemp())
    Traceback (most recent call last):
    topolearn.errors.StudyError: 1 of 1 runs of study 'none_yet' ... are not finished: ...
      SET, seed 0, missing
    """
    place = StudyDirectory(directory, study)
    finished: dict[tuple[str, int], Run] = {}
    bad = []
    for run in study.runs():
        trained = place.run(run)
        if trained is not None and trained.is_complete:
            finished[run.label, run.seed] = trained
        else:
            words = ": ".join(filter(None, (place.state(run), place.error(run))))
            bad.append(f"\n  {run.label}, seed {run.seed}, {words}")
    if bad:
        raise StudyError(
            f"{len(bad)} of {len(bad) + len(finished)} runs of study {study.name!r} in {place.path} are not finished: "
            f"run the study, with retry_failed=True to retry failed runs{''.join(bad)}"
        )
    return finished


def _row(directory: StudyDirectory, run: PlannedRun) -> dict[str, Any]:
    state = directory.state(run)
    row = {"label": run.label, "seed": run.seed, "dataset": run.config.dataset, "method": run.config.method}
    varied = {name: tuple(value) if isinstance(value, list) else value for name, value in run.varied.items()}
    row |= varied | {"hash": run.hash, "state": state, "error": "" if state == DONE else directory.error(run)}
    trained = directory.run(run)
    return row | _measured(trained) if state == DONE and trained is not None else row


def _measured(run: Run) -> dict[str, Any]:
    metrics, network, summary, environment = run.metrics, run.network, run.summary, run.environment
    overlaps = metrics if "overlap" in metrics else network
    task = TASKS[run.config.task]
    with reading(run.path, "a run with complete tables and files", "remove it, and run the study again"):
        last = network.to_dict("records")[-1] if len(network) else {}
        return {
            **{name: summary[name] for name in (task.best, task.best_at, task.last, *task.outcomes, *OF_EVERY_TASK)},
            **{("final_density" if name == "density" else name): last[name] for name in AT_THE_END},
            "overlap": pd.to_numeric(overlaps["overlap"], errors="coerce").mean(),
            **{name: getattr(run.config, name) for name in SETTLED},
            **{name: environment[name] for name in ("topolearn", "torch")},
        }
