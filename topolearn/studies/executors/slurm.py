"""Slurm, through submitit."""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topolearn.confined import check_private, private_folder
from topolearn.errors import InvalidValueError, MissingPackageError
from topolearn.studies.executors.plan import Outcomes, Plan, Work, lost
from topolearn.studies.work import Outcome, WorkItem

DAY = 24 * 60  # default of timeout_min, in minutes
POLL = {"slurm": 10.0, "local": 0.5}  # seconds


class Requeued:
    """Work that submitit requeues when its time is up; the run then continues from its checkpoint."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def __call__(self, item: WorkItem) -> Outcome:
        """Do the work."""
        return self.work(item)

    def checkpoint(self, item: WorkItem) -> Any:
        """Return the submission that submitit requeues."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, item)


def on_slurm(work: Work, items: Sequence[WorkItem], plan: Plan) -> Outcomes:
    """Run items as Slurm jobs, ``plan.jobs`` at a time; logs are in the ``slurm`` folder of the results.

    Work and outcomes are sent as pickles, which can execute arbitrary code when loaded. They are therefore stored in a
    new directory with an unpredictable name, which only this user can access (mode ``0700``); pickles from earlier
    sessions, or that came with the study, are never read. At the end the pickles are removed, and the logs are kept.

    Options are those of ``submitit.AutoExecutor.update_parameters``, such as ``slurm_partition``, ``timeout_min``
    (default one day) or ``gpus_per_node``; ``cluster``, either ``slurm`` or ``local`` for submitit jobs on this
    machine; and ``folder``, where these directories are created, which all nodes must reach under the same path. Jobs
    whose time is up are requeued.

    Raises
    ------
    MissingPackageError
        When submitit is not installed.
    InvalidValueError
        When Slurm is not available, or submitit rejects an option.
    UnsafePathError
        When other users may change the results directory or ``folder``.
    """
    try:
        import submitit
    except ImportError:
        raise MissingPackageError(
            "submitit is not installed: pip install 'topolearn[cluster]', or choose executor 'processes'"
        ) from None
    options = {"timeout_min": DAY, **plan.options}
    cluster = options.pop("cluster", "slurm")
    if cluster not in POLL:
        raise InvalidValueError(f"cluster={cluster!r} must be 'slurm' or 'local'")
    session = private_folder(Path(options.pop("folder", plan.folder / "slurm")) / secrets.token_hex(16))
    shared = {"slurm_array_parallelism": plan.jobs} if cluster == "slurm" else {}
    try:
        executor = submitit.AutoExecutor(session, cluster=cluster)
        executor.update_parameters(name="topolearn", cpus_per_task=plan.threads or 1, **shared, **options)
    except (RuntimeError, NameError, TypeError, ValueError, AssertionError) as error:
        session.rmdir()  # still empty
        raise InvalidValueError(f"submitit cannot use executor 'slurm' with {options}: {error}") from None
    at_a_time = len(items) if cluster == "slurm" else plan.jobs  # Slurm has its own queue
    try:
        for item, outcome in _as_finished(executor, Requeued(work), list(items), at_a_time, POLL[cluster]):
            check_private(session)
            yield item, outcome
    finally:
        for file in session.glob("*.pkl"):
            file.unlink(missing_ok=True)


def _as_finished(executor: Any, work: Requeued, waiting: list[WorkItem], at_a_time: int, poll: float) -> Outcomes:
    running: dict[Any, WorkItem] = {}
    try:
        while waiting or running:
            free = at_a_time - len(running)
            new, waiting = waiting[:free], waiting[free:]
            if new:
                running |= dict(zip(executor.map_array(work, new), new, strict=True))
            finished = [job for job in running if job.done()]
            for job in finished:
                yield running.pop(job), _outcome(job)
            if not finished:
                time.sleep(poll)
    finally:
        for job in running:
            job.cancel(check=False)


def _outcome(job: Any) -> Outcome:
    error = job.exception()
    return lost(error) if error else job.result()
