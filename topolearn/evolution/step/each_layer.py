"""`of_each`: the same work for every layer of a model, on several threads if there are many layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch

from topolearn.threads import for_each, thread_count
from topolearn.waiting import is_asynchronous

V = TypeVar("V")
LAYERS = 3  # per thread: with fewer layers, each layer uses all threads instead


def of_each(work: Callable[[str], V], layers: Iterable[str], devices: Iterable[torch.device]) -> dict[str, V]:
    """Return the result of the work for each layer, by layer name.

    Many layers on the CPU are distributed among torch's threads, and each thread computes its layers single-threaded:
    the small products of an update do not benefit from more threads. The work must not depend on the order of the
    layers.

    Parameters
    ----------
    work : callable
        Maps the name of a layer to any result.
    layers : iterable of str
    devices : iterable of torch.device
        The devices that the layers are on.

    Examples
    --------
    >>> of_each(len, ["fc1", "head"], [torch.device("cpu")])
    {'fc1': 3, 'head': 4}
    """
    names = list(layers)
    if (
        len(names) < LAYERS * torch.get_num_threads()
        or torch.get_num_threads() == 1
        or any(map(is_asynchronous, devices))
    ):
        return {name: work(name) for name in names}
    results: dict[str, V] = {}
    with_gradients = torch.is_grad_enabled()  # grad mode is thread-local

    def alone(name: str) -> None:
        with thread_count(1), torch.set_grad_enabled(with_gradients):
            results[name] = work(name)

    for_each(alone, names)
    return {name: results[name] for name in names}
