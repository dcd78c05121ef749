"""A Dask cluster: one that is there already, or one of this machine."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from tqdm import tqdm

from topolearn.ends import children_spared
from topolearn.errors import InvalidValueError, MissingPackageError
from topolearn.studies.executors.plan import Outcomes, Plan, Work, lost
from topolearn.studies.work import Outcome, WorkItem

LOOPBACK = "127.0.0.1"


def on_dask(work: Work, items: Sequence[WorkItem], plan: Plan) -> Outcomes:
    """Carry out items on the workers of a Dask cluster.

    Whoever may connect to a scheduler of Dask can run programs as its user. The one that is started here listens on
    the loopback interface alone, and where ``cryptography`` is installed (the extra ``cluster`` brings it) it takes
    nobody who does not have the certificate that this process makes and keeps in memory; without it, any user of this
    machine. Who may connect to your own cluster is for you to say: give it TLS (``address="tls://..."``, and the
    certificates in Dask's configuration), or a network of its own.

    Options: ``address`` of a scheduler, whose workers must have one thread each and reach the results directory under
    the same path; without it a cluster of ``plan.jobs`` processes is started here, and ended afterwards. Dask starts a
    worker that died anew, and gives its item up when that happens again and again.

    Raises
    ------
    MissingPackageError
        When dask.distributed is not installed.
    InvalidValueError
        When no scheduler answers there, or a worker has several threads: runs would share torch's random state.
    """
    plan.only("dask", "address")
    try:
        from dask import distributed
    except ImportError:
        raise MissingPackageError(
            "dask.distributed is not installed: pip install 'topolearn[cluster]', or choose executor 'processes'"
        ) from None
    address = plan.options.get("address")
    with _client(distributed, address, plan) as client:
        futures = [client.submit(without_semaphore, work, item, pure=False) for item in items]
        by_key = {future.key: item for future, item in zip(futures, items, strict=True)}
        try:
            for future in distributed.as_completed(futures, loop=client.loop):
                error = future.exception()
                yield by_key[future.key], lost(error) if error else future.result()
        finally:
            client.cancel(futures)


def without_semaphore(work: Work, item: WorkItem) -> Outcome:
    """Do work in a worker that may be killed, after which another process complains of tqdm's own lock, a semaphore."""
    tqdm.set_lock(threading.RLock())
    return work(item)


def _own_certificate(distributed: Any) -> Any:
    """Return a certificate that this process makes, which scheduler, workers and client ask of one another, or None."""
    if find_spec("cryptography") is None:
        return None
    return distributed.security.Security.temporary()


@contextmanager
def _client(distributed: Any, address: str | None, plan: Plan) -> Iterator[Any]:
    """Give a client of the cluster at an address, or of a new one that ends with the block."""
    if address is not None:
        with _client_of(distributed, address) as client:
            yield client
        return
    certificate = _own_certificate(distributed)
    with children_spared():
        cluster = distributed.LocalCluster(
            host=LOOPBACK,
            security=certificate,
            n_workers=plan.jobs,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs="CRITICAL",  # errors of runs are outcomes; what is cut off at the end is none
        )
    with cluster, distributed.Client(cluster, security=certificate, set_as_default=False) as client:
        yield client


def _client_of(distributed: Any, address: str) -> Any:
    """Return a client of the cluster at an address, whose workers have one thread each."""
    try:
        client = distributed.Client(address, set_as_default=False, timeout=10)
    except (OSError, ValueError) as error:
        raise InvalidValueError(f"no Dask scheduler answers at address={address!r} ({error}): start it first") from None
    for name, worker in client.scheduler_info(n_workers=-1)["workers"].items():
        if worker["nthreads"] != 1:
            client.close()
            raise InvalidValueError(
                f"the Dask worker {name} has {worker['nthreads']} threads, and runs in one process would share torch's "
                "random state: start workers with --nthreads 1"
            )
    return client
