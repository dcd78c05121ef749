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

DAY = 24 * 60  # minutes that a job may take, unless timeout_min says otherwise
POLL = {"slurm": 10.0, "local": 0.5}  # seconds


class Requeued:
    """Work that submitit puts back into the queue when its time is up; the run then goes on from its checkpoint."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def __call__(self, item: WorkItem) -> Outcome:
        """Do the work."""
        return self.work(item)

    def checkpoint(self, item: WorkItem) -> Any:
        """Return what submitit submits anew."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, item)


def on_slurm(work: Work, items: Sequence[WorkItem], plan: Plan) -> Outcomes:
    """Carry out items as Slurm jobs, ``plan.jobs`` at a time; logs are in the ``slurm`` folder of the results.

    Work and outcomes travel as pickles, which run whatever they hold when they are read. So they lie in a directory
    that is made now, under a name that nobody can know before, for this user alone (``0700``); those of earlier
    sessions, or of whoever sent the study, are never read. At the end pickles are removed, and logs stay.

    Options are those of ``submitit.AutoExecutor.update_parameters``, such as ``slurm_partition``, ``timeout_min`` (a
    day) or ``gpus_per_node``; ``cluster``: ``slurm``, or ``local`` for jobs of submitit's on this machine; and
    ``folder``: where these directories are made, which all nodes must reach under the same path. Jobs whose time is up
    are put back into the queue.

    Raises
    ------
    MissingPackageError
        When submitit is not installed.
    InvalidValueError
        When there is no Slurm here, or submitit refuses an option.
    UnsafePathError
        When other users may change the directory of the results, or ``folder``.
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
        session.rmdir()  # in which nothing lies yet
        raise InvalidValueError(f"submitit refuses executor 'slurm' with {options}: {error}") from None
    at_a_time = len(items) if cluster == "slurm" else plan.jobs  # Slurm has a queue of its own
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
