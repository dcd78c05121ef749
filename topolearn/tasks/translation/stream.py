"""`BatchStream`: all batches of a training, in order, by their number, so that one can begin anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch.utils.data import Dataset


class BatchStream(Dataset[Any]):
    """The batches of one epoch after another; batch i is the same whenever, and on whichever process, it is asked for.

    Parameters
    ----------
    epoch : callable
        ``epoch(e)`` returns the batches of epoch e, each a list of the numbers of its examples.
    n_batches : int
        Of the whole training.

    Examples
    --------
    >>> stream = BatchStream(lambda epoch: [[epoch, 0], [epoch, 1]], 5)
    >>> [stream[i] for i in (4, 0, 3)], len(stream)
    ([[2, 0], [0, 0], [1, 1]], 5)
    """

    def __init__(self, epoch: Callable[[int], Sequence[Sequence[int]]], n_batches: int) -> None:
        self._epoch, self._n_batches = epoch, n_batches
        self._firsts = [0]  # the number of the first batch of each epoch that is known
        self._present: tuple[int, Sequence[Sequence[int]]] | None = None

    def __len__(self) -> int:
        return self._n_batches

    def __getitem__(self, number: int) -> Sequence[int]:
        if not 0 <= number < self._n_batches:
            raise IndexError(number)
        epoch = 0 if self._present is None else self._present[0]
        while number < self._first(epoch):
            epoch -= 1
        while number >= self._first(epoch + 1):
            epoch += 1
        return self._batches(epoch)[number - self._first(epoch)]

    def _first(self, epoch: int) -> int:
        while len(self._firsts) <= epoch:
            last = len(self._firsts) - 1
            self._firsts.append(self._firsts[last] + len(self._batches(last)))
        return self._firsts[epoch]

    def _batches(self, epoch: int) -> Sequence[Sequence[int]]:
        if self._present is None or self._present[0] != epoch:
            self._present = epoch, self._epoch(epoch)
        return self._present[1]
