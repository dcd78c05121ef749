"""`of_each`: the same work for every layer of a model, many of them at a time on several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch

from topolearn.threads import for_each, thread_count
from topolearn.waiting import works_behind

V = TypeVar("V")
LAYERS = 3  # for each thread from which on threads take whole layers; fewer layers share the threads out within each


def of_each(work: Callable[[str], V], layers: Iterable[str], devices: Iterable[torch.device]) -> dict[str, V]:
    """Return what the work gives for each layer, by its name.

    Many layers on the CPU are shared out among torch's threads, each of which computes its layers alone: the small
    products of an update have no use for more. The work must not depend on the order of the layers.

    Parameters
    ----------
    work : callable
        From the name of a layer to anything.
    layers : iterable of str
    devices : iterable of torch.device
        Where the layers are.

    Examples
    --------
    >>> of_each(len, ["fc1", "head"], [torch.device("cpu")])
    {'fc1': 3, 'head': 4}
    """
    names = list(layers)
    if len(names) < LAYERS * torch.get_num_threads() or torch.get_num_threads() == 1 or any(map(works_behind, devices)):
        return {name: work(name) for name in names}
    results: dict[str, V] = {}
    with_gradients = torch.is_grad_enabled()  # each thread has its own mode

    def alone(name: str) -> None:
        with thread_count(1), torch.set_grad_enabled(with_gradients):
            results[name] = work(name)

    for_each(alone, names)
    return {name: results[name] for name in names}
