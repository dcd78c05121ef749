"""Work shared out among threads: the kernels run without the GIL, so that Python's own threads do."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

T = TypeVar("T")
PARTS = 8  # for each thread, so that none waits long for the last


def for_each(work: Callable[[T], None], parts: Iterable[T]) -> None:
    """Do the work for all parts, on as many threads as torch uses (`torch.set_num_threads`)."""
    n_threads = torch.get_num_threads()
    if n_threads == 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(work, parts):
            pass


def cut(costs: NDArray[np.integer], *, most: int | None = None, step: int = 1) -> list[tuple[int, int]]:
    """Cut rows into parts (first, last) of about equal cost: some for each thread, or of at most so much each.

    Parameters
    ----------
    costs : array, shape (n,)
        The cost of each row.
    most : int, optional
        What a part may cost; a row that costs more is a part of its own. Default: `PARTS` parts for each thread.
    step : int
        All parts but the last have a multiple of so many rows.

    Examples
    --------
    >>> cut(np.array([1, 1, 1, 5, 1]), most=3)
    [(0, 3), (3, 4), (4, 5)]
    """
    total = np.concatenate([[0], np.cumsum(costs[np.arange(0, costs.size, step)] if step > 1 else costs)])
    if most is None:
        most = int(total[-1]) // (PARTS * torch.get_num_threads()) + 1
    n, first, parts = total.size - 1, 0, []
    while first < n:
        last = max(int(np.searchsorted(total, total[first] + most, side="right")) - 1, first + 1)
        parts.append((first * step, min(last * step, costs.size)))
        first = last
    return parts
