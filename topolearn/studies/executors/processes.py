"""Processes of this machine, by loky, joblib's own pool: threads divided, and the CUDA devices dealt out."""

import os
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

import torch

from topolearn.studies.executors.plan import Outcomes, Plan, Work, lost
from topolearn.studies.work import WorkItem

VISIBLE = "CUDA_VISIBLE_DEVICES"
POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

IDLE = 30  # seconds after which a worker without work ends, so that none is left when this process is killed


def in_processes(work: Work, items: Sequence[WorkItem], plan: Plan) -> Outcomes:
    """Carry out items in ``plan.jobs`` processes; one job is done in this process itself.

    Each worker takes the next CUDA device of a queue, and with more workers than devices they share them; without CUDA,
    and where runs name devices by number, nothing changes. A worker that is killed takes the others with it: their
    items are lost as well.
    """
    plan.only("processes")
    if plan.jobs == 1:
        yield from ((item, work(item)) for item in items)
        return
    from joblib.externals import loky

    pool = loky.ProcessPoolExecutor(
        plan.jobs,
        timeout=IDLE,
        env={name: str(plan.threads or 1) for name in POOLS},
        **_dealing([] if _is_placed(items) else dealt(devices(), plan.jobs)),
    )
    done = False
    try:
        waiting = {pool.submit(work, item): item for item in items}
        for future in loky.as_completed(waiting):
            error = future.exception()
            yield waiting[future], lost(error) if error else future.result()
        done = True
    finally:
        pool.shutdown(kill_workers=not done)


def _is_placed(items: Sequence[WorkItem]) -> bool:
    """Return whether runs name a device by its number, which they would not find among the one dealt to them."""
    return any(isinstance(item, WorkItem) and ":" in item.run.config.device for item in items)


def devices() -> list[str]:
    """Return the CUDA devices that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    named = [name for name in os.environ.get(VISIBLE, "").split(",") if name]
    return (named or [str(i) for i in range(torch.cuda.device_count())])[: torch.cuda.device_count()]


def dealt(devices: Sequence[str], jobs: int) -> list[str]:
    """Return a device for each of so many workers, in turn; none without devices.

    Examples
    --------
    >>> dealt(["0", "1"], 3), dealt([], 3)
    (['0', '1', '0'], [])
    """
    return list(islice(cycle(devices), jobs))


def _dealing(to_deal: Sequence[str]) -> dict[str, Any]:
    """Return what lets each worker of a pool take a device when it starts."""
    if not to_deal:
        return {}
    from joblib.externals.loky.backend import get_context

    queue = get_context("loky").SimpleQueue()
    for device in to_deal:
        queue.put(device)
    return {"initializer": take_device, "initargs": (queue,)}


def take_device(queue: Any) -> None:
    """Let this worker see the next device alone, which goes to the end of the queue for a worker that comes later."""
    device = queue.get()
    queue.put(device)
    os.environ[VISIBLE] = device
