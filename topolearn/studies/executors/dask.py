"""A Dask cluster: an existing one, or a local one on this machine."""

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
    """Run items on the workers of a Dask cluster.

    Anyone who can connect to a Dask scheduler can run programs as its user. A scheduler started here listens only on
    the loopback interface. If ``cryptography`` is installed (it is in the extra ``cluster``), it accepts only clients
    with a certificate that this process creates and keeps in memory; otherwise, it accepts any user of this machine.
    You are responsible for protecting your own cluster: use TLS (``address="tls://..."``, with the certificates in
    Dask's configuration) or a private network.

    Options: ``address``, a scheduler whose workers must have one thread each and reach the results directory under the
    same path. By default, a cluster of ``plan.jobs`` processes is started on this machine, and stopped afterwards. Dask
    restarts workers that die, and gives up on an item after several such deaths.

    Raises
    ------
    MissingPackageError
        When dask.distributed is not installed.
    InvalidValueError
        When no scheduler answers at the address, or a worker has several threads, as runs would then share torch's
        random state.
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
    """Do work without tqdm's default lock, a semaphore that causes leak warnings when the worker is killed."""
    tqdm.set_lock(threading.RLock())
    return work(item)


def _own_certificate(distributed: Any) -> Any:
    """Return a new certificate for scheduler, workers and client to authenticate each other, or None."""
    if find_spec("cryptography") is None:
        return None
    return distributed.security.Security.temporary()


@contextmanager
def _client(distributed: Any, address: str | None, plan: Plan) -> Iterator[Any]:
    """Provide a client of the cluster at an address, or of a new cluster that is stopped after the block."""
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
            silence_logs="CRITICAL",  # errors of runs are outcomes; closing causes meaningless ones
        )
    with cluster, distributed.Client(cluster, security=certificate, set_as_default=False) as client:
        yield client


def _client_of(distributed: Any, address: str) -> Any:
    """Return a client of the cluster at an address, whose workers have one thread each."""
    try:
        client = distributed.Client(address, set_as_default=False, timeout=10)
    except (OSError, ValueError) as error:
        raise InvalidValueError(
            f"no Dask scheduler answers at address={address!r} ({error}): start one there first"
        ) from None
    for name, worker in client.scheduler_info(n_workers=-1)["workers"].items():
        if worker["nthreads"] != 1:
            client.close()
            raise InvalidValueError(
                f"the Dask worker {name} has {worker['nthreads']} threads, but runs in the same process would share "
                "torch's random state: start workers with --nthreads 1"
            )
    return client
