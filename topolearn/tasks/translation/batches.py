"""Batches by tokens: as many pairs of similar length as fit into a number of tokens."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from topolearn.checks import check_seed, check_size
from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField
from topolearn.tasks.translation.vocabulary import PAD

IGNORED = -100  # the label that losses ignore


class TokenBatches(Sampler[list[int]]):
    """Batches with a maximum number of tokens, for use as ``batch_sampler`` of a ``DataLoader``.

    Pairs are sorted by the length of their longer sentence, with equal lengths shuffled in each epoch, and cut into
    batches whose padded longer side has at most `tokens` tokens, including end marks; then the batches are shuffled,
    too. An epoch is determined by (seed, epoch) alone: to resume after n batches, skip the first n. All epochs have the
    same number of batches.

    Parameters
    ----------
    lengths : array of int, shape (n_pairs,)
        Tokens of the longer sentence of each pair, including the end mark; see `EncodedPairs.lengths`.
    tokens : int
        The maximum number of tokens per batch.
    seed : int
    shuffle : bool
        Whether to shuffle; otherwise batches come in order of increasing length.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When a sentence is longer than a batch, there are no pairs, or a number is out of range.

    Examples
    --------
    >>> batches = TokenBatches([2, 5, 3, 2, 4], tokens=8, shuffle=False)
    >>> list(batches), len(batches)
    ([[0, 3], [2, 4], [1]], 3)
    """

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        tokens: int = 1024,
        *,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        self.lengths = np.asarray(lengths, np.int64)
        self.tokens = check_size("tokens", tokens)
        self.seed, self.shuffle = check_seed(seed), shuffle
        self.epoch = 0
        if not len(self.lengths):
            raise InvalidValueError("there are no pairs to batch: give at least one")
        longest = int(self.lengths.argmax())
        if self.lengths[longest] > self.tokens:
            raise InvalidValueError(
                f"pair {longest} has {self.lengths[longest]} tokens, more than a batch of tokens={tokens}: raise tokens"
            )
        self._ends = self._cuts()

    def _cuts(self) -> list[int]:
        """Return the ends of the batches in the sorted order; they depend only on the lengths, not on the seed."""
        ends, begin = [], 0
        for position, length in enumerate(np.sort(self.lengths).tolist()):
            if (position - begin + 1) * length > self.tokens:
                ends.append(position)
                begin = position
        return [*ends, len(self.lengths)]

    def _draws(self, purpose: str, n: int) -> np.ndarray:
        if not self.shuffle:
            return np.arange(n, dtype=np.float64)
        field = RandomField(self.seed, layer="translation", update=self.epoch, purpose=purpose)
        return field.uniform(torch.arange(n)).numpy()

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.lexsort((self._draws("order of pairs", len(self.lengths)), self.lengths))
        batches = np.split(order, self._ends[:-1])
        turn = np.argsort(self._draws("order of batches", len(batches)), kind="stable")
        return iter([batches[number].tolist() for number in turn])

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the batches that follow."""
        self.epoch = int(epoch)


def collate(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> dict[str, Tensor]:
    """Return a batch for models of transformers, padded on the right.

    Such a model derives ``decoder_input_ids`` from the labels itself: the begin mark, then all labels except the last,
    with padding in place of ignored labels.

    Parameters
    ----------
    pairs : sequence of (source, target)
        Tokens with the end mark.

    Returns
    -------
    dict of Tensor of int64
        ``input_ids`` and ``attention_mask`` of shape (n_pairs, longest source), ``labels`` of shape
        (n_pairs, longest target) with -100 for padding.

    Examples
    --------
    >>> batch = collate([([7, 8, 2], [9, 2]), ([7, 2], [5, 6, 2])])
    >>> batch["attention_mask"].tolist(), batch["labels"].tolist()
    ([[1, 1, 1], [1, 1, 0]], [[9, 2, -100], [5, 6, 2]])
    """
    input_ids = padded([source for source, _ in pairs], PAD)
    labels = padded([target for _, target in pairs], IGNORED)
    return {"input_ids": input_ids, "attention_mask": (input_ids != PAD).to(torch.int64), "labels": labels}


def padded(rows: Sequence[Sequence[int]], filling: int) -> Tensor:
    """Return rows of tokens as a Tensor of int64, of shape (n_rows, longest row), padded on the right."""
    values = torch.full((len(rows), max(map(len, rows))), filling, dtype=torch.int64)
    for row, tokens in zip(values, rows, strict=True):
        row[: len(tokens)] = torch.as_tensor(tokens, dtype=torch.int64)
    return values
