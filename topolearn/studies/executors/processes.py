"""Processes on this machine, using joblib's loky, with threads and CUDA devices distributed among them."""

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

LET_STOP = 20.0  # seconds that all workers have to stop their current runs when the study is interrupted
IDLE = 30  # seconds after which an idle worker ends, so that none is left when this process is killed


def in_processes(work: Work, items: Sequence[WorkItem], plan: Plan) -> Outcomes:
    """Run items in ``plan.jobs`` processes; a single job runs in this process itself.

    Each worker takes the next CUDA device from a queue; if there are more workers than devices, they share devices.
    Without CUDA, or if runs name devices by number, devices are not assigned. If a worker is killed, all others end
    too, and their items are lost as well.
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
    """Stop the workers' runs as Ctrl-C would, leaving no half-written files; return whether all have stopped."""
    running = [future for future in waiting if not future.cancel()]
    for process in list(pool._processes.values()):
        process.terminate()
    return not wait(running, timeout=LET_STOP).not_done


def _is_placed(items: Sequence[WorkItem]) -> bool:
    """Return whether runs name a device by number, which would be invisible if each worker saw one assigned device."""
    return any(isinstance(item, WorkItem) and ":" in item.run.config.device for item in items)


def devices() -> list[str]:
    """Return the CUDA devices that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    named = [name for name in os.environ.get(VISIBLE, "").split(",") if name]
    return (named or [str(i) for i in range(torch.cuda.device_count())])[: torch.cuda.device_count()]


def dealt(devices: Sequence[str], jobs: int) -> list[str]:
    """Return a device for each worker, in turn; empty without devices.

    Examples
    --------
    >>> dealt(["0", "1"], 3), dealt([], 3)
    (['0', '1', '0'], [])
    """
    return list(islice(cycle(devices), jobs))


def _queue(to_deal: Sequence[str]) -> Any:
    """Return a queue from which each worker takes a device when it starts; None if there are no devices."""
    if not to_deal:
        return None
    from joblib.externals.loky.backend import get_context

    queue = get_context("loky").SimpleQueue()
    for device in to_deal:
        queue.put(device)
    return queue


def begin_worker(parent: int, queue: Any) -> None:
    """Prepare this process for work: make it end with its parent, and see only the next device of the queue."""
    serve(parent)
    tqdm.set_lock(threading.RLock())  # tqdm's default, a semaphore, causes leak warnings after a kill
    if queue is not None:
        take_device(queue)


def attended(work: Work, item: WorkItem) -> Outcome:
    """Do work in a worker; on SIGTERM the run is stopped as by Ctrl-C, and no other is started."""
    try:
        with working():
            return work(item)
    except KeyboardInterrupt as error:
        return lost(error)


def take_device(queue: Any) -> None:
    """Make only the next device visible to this worker, and move it to the end of the queue for later workers."""
    device = queue.get()
    queue.put(device)
    os.environ[VISIBLE] = device
