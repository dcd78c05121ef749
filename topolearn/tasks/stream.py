"""`BatchStream`: all batches of a training run by number, so that it can resume anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch.utils.data import Dataset


class EpochBatches(Protocol):
    """The batches of an epoch: lists of example numbers, determined by seed and epoch alone."""

    def __len__(self) -> int:
        """Return the number of batches, which is the same in every epoch."""

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches of the chosen epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Choose an epoch."""


class BatchStream(Dataset[list[int]]):
    """The batches of one epoch after another; batch i is the same at any time and in any process.

    Parameters
    ----------
    batches : EpochBatches
        The batches of an epoch; all epochs have the same number.
    n_batches : int
        Number of batches in the whole training run.

    Examples
    --------
    >>> from topolearn.tasks.translation import TokenBatches
    >>> stream = BatchStream(TokenBatches([2, 5, 3], tokens=6, shuffle=False), 5)
    >>> [stream[i] for i in (4, 0, 1)], len(stream)
    ([[0, 2], [0, 2], [1]], 5)
    """

    def __init__(self, batches: EpochBatches, n_batches: int) -> None:
        self._batches, self._n_batches = batches, n_batches
        self._present: tuple[int, list[list[int]]] | None = None

    def __len__(self) -> int:
        return self._n_batches

    def __getitem__(self, number: int) -> list[int]:
        if not 0 <= number < self._n_batches:
            raise IndexError(number)
        epoch, place = divmod(number, len(self._batches))
        if self._present is None or self._present[0] != epoch:
            self._batches.set_epoch(epoch)
            self._present = epoch, list(self._batches)
        return self._present[1][place]
