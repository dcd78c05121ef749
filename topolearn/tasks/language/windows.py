"""Windows of tokens: what a language model reads at a time, and what it has to predict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from topolearn.checks import check_seed, check_size
from topolearn.errors import InvalidValueError
from topolearn.registry import Registry
from topolearn.sampling import RandomField
from topolearn.tasks.language.shards import TokenShards

IGNORED = -100  # the label that losses ignore

Places = Callable[[TokenShards, int], np.ndarray]


def packed(shards: TokenShards, length: int) -> np.ndarray:
    """Return where windows begin and end: one after another across all documents; the last one is shorter."""
    begins = np.arange(0, len(shards) - 1, length, dtype=np.int64)
    return np.stack([begins, np.minimum(begins + length, len(shards) - 1)], axis=1)


def of_documents(shards: TokenShards, length: int) -> np.ndarray:
    """Return where windows begin and end: each document by itself, a long one in several windows."""
    starts = shards.document_starts()
    ends = np.append(starts[1:], len(shards)) - 1  # nothing follows the last token
    n_windows = -(-(ends - starts) // length)
    document = np.repeat(np.arange(len(starts)), n_windows)
    place = np.arange(len(document)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    begins = starts[document] + place * length
    return np.stack([begins, np.minimum(begins + length, ends[document])], axis=1)


WINDOWS: Registry[Places] = Registry("kind of window", {"packed": packed, "document": of_documents})


class TokenWindows(Dataset[tuple[np.ndarray, np.ndarray]]):
    """Windows of a text: the tokens to read, and the tokens that follow them, to be predicted.

    Every token is predicted once, except for the mark at the beginning of each document, or of a packed text.

    Parameters
    ----------
    shards : TokenShards
    length : int
        The maximum number of tokens per window.
    kind : str
        One of `WINDOWS`: "packed", or "document" for one document per window.

    Raises
    ------
    UnknownNameError, InvalidTypeError, InvalidValueError
        When there is no such kind, `length` is not positive, or there is nothing to predict.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from topolearn.tasks.language import Text, learn_tokenizer, write_shards
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "train.txt").write_text("a dog runs")
    >>> shards = write_shards(Text((folder / "train.txt",)), learn_tokenizer(["a dog runs"], 260), folder / "tokens")
    >>> windows = TokenWindows(shards, 2)
    >>> len(windows), windows[1]
    (4, (array([221, 257]), array([257,  71])))
    """

    def __init__(self, shards: TokenShards, length: int, kind: str = "packed") -> None:
        self._shards = shards
        self._places = WINDOWS[kind](shards, check_size("length", length))
        if not len(self._places):
            raise InvalidValueError(f"{shards.folder} has {len(shards)} tokens, and none to predict: add more text")

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        begin, end = self._places[number].tolist()
        tokens = self._shards.read(begin, end + 1)
        return tokens[:-1], tokens[1:]


class WindowBatches:
    """Batches of windows, shuffled in each epoch; windows that do not fill a batch are skipped in that epoch.

    The batches are determined by (seed, epoch) alone.

    Parameters
    ----------
    n_windows, size : int
        The number of windows, and the number per batch.
    seed : int

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When there are fewer windows than in a batch.

    Examples
    --------
    >>> batches = WindowBatches(5, 2, seed=0)
    >>> len(batches), sorted(len(batch) for batch in batches)
    (2, [2, 2])
    """

    def __init__(self, n_windows: int, size: int, *, seed: int = 0) -> None:
        self._n_windows, self._size, self._epoch = n_windows, check_size("size", size), 0
        self._seed = check_seed(seed)
        if n_windows < size:
            raise InvalidValueError(
                f"there are {n_windows} windows, fewer than a batch of {size}: lower batch_windows, or add text"
            )

    def __len__(self) -> int:
        return self._n_windows // self._size

    def __iter__(self) -> Iterator[list[int]]:
        field = RandomField(self._seed, layer="language", update=self._epoch, purpose="order of windows")
        order = np.argsort(field.uniform(torch.arange(self._n_windows)).numpy(), kind="stable")
        kept = order[: len(self) * self._size].reshape(-1, self._size)
        return iter(kept.tolist())

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the batches that follow."""
        self._epoch = int(epoch)


def collate(windows: Sequence[tuple[np.ndarray, np.ndarray]], padding: int = 0) -> dict[str, Tensor]:
    """Return windows as a batch of inputs and labels, with shorter windows padded on the right.

    Examples
    --------
    >>> batch = collate([(np.array([5, 6]), np.array([6, 7])), (np.array([8]), np.array([9]))])
    >>> batch["input_ids"].tolist(), batch["labels"].tolist()
    ([[5, 6], [8, 0]], [[6, 7], [9, -100]])
    """
    longest = max(len(read) for read, _ in windows)
    inputs = torch.full((len(windows), longest), padding, dtype=torch.int64)
    labels = torch.full_like(inputs, IGNORED)
    for row, (read, wanted) in enumerate(windows):
        inputs[row, : len(read)] = torch.from_numpy(read)
        labels[row, : len(wanted)] = torch.from_numpy(wanted)
    return {"input_ids": inputs, "labels": labels}
