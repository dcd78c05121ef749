"""Processes of this machine, by loky, joblib's own pool: threads divided, and the CUDA devices dealt out."""

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import wait
from itertools import cycle, islice
from typing import Any

import torch
from tqdm import tqdm

from topolearn.ends import children_spared
from topolearn.studies.executors.plan import Outcomes, Plan, Work, lost
from topolearn.studies.executors.worker import serve, working
from topolearn.studies.work import Outcome, WorkItem

VISIBLE = "CUDA_VISIBLE_DEVICES"
POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

LET_STOP = 20.0  # seconds that workers have, together, to drop what they are at when the study is ended
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

    with children_spared():
        pool = loky.ProcessPoolExecutor(
            plan.jobs,
            timeout=IDLE,
            env={name: str(plan.threads or 1) for name in POOLS},
            initializer=begin_worker,
            initargs=(os.getpid(), _queue([] if _is_placed(items) else dealt(devices(), plan.jobs))),
        )
        waiting = {pool.submit(attended, work, item): item for item in items}
    done = False
    try:
        for future in loky.as_completed(waiting):
            error = future.exception()
            yield waiting[future], lost(error) if error else future.result()
        done = True
    finally:
        pool.shutdown(kill_workers=not (done or _have_stopped(pool, waiting)))


def _have_stopped(pool: Any, waiting: Iterable[Any]) -> bool:
    """Let workers drop the run that each is at as after Ctrl-C, with nothing half written; return whether they have."""
    running = [future for future in waiting if not future.cancel()]
    for process in list(pool._processes.values()):
        process.terminate()
    return not wait(running, timeout=LET_STOP).not_done


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


def _queue(to_deal: Sequence[str]) -> Any:
    """Return a queue from which each worker takes a device when it starts; None without devices."""
    if not to_deal:
        return None
    from joblib.externals.loky.backend import get_context

    queue = get_context("loky").SimpleQueue()
    for device in to_deal:
        queue.put(device)
    return queue


def begin_worker(parent: int, queue: Any) -> None:
    """Prepare this process for work: it ends with its parent, and sees the next device of the queue alone."""
    serve(parent)
    tqdm.set_lock(threading.RLock())  # its own is a semaphore, of which another process complains after a kill
    if queue is not None:
        take_device(queue)


def attended(work: Work, item: WorkItem) -> Outcome:
    """Do work in a worker; when this is told to end, the run is dropped as after Ctrl-C, and no other is begun."""
    try:
        with working():
            return work(item)
    except KeyboardInterrupt as told:
        return lost(told)


def take_device(queue: Any) -> None:
    """Let this worker see the next device alone, which goes to the end of the queue for a worker that comes later."""
    device = queue.get()
    queue.put(device)
    os.environ[VISIBLE] = device
