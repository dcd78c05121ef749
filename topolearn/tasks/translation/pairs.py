"""Parallel text as tokens; sentences that are too long are rejected or dropped."""

from typing import Literal

import numpy as np
from torch.utils.data import Dataset

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError
from topolearn.tasks.translation.corpus import ParallelText
from topolearn.tasks.translation.vocabulary import UNKNOWN, Vocabulary


class EncodedPairs(Dataset[tuple[list[int], list[int]]]):
    """Pairs of sentences as tokens, each sentence with the end mark.

    Parameters
    ----------
    source, target : list of list of int
    n_dropped : int
        Number of pairs that were dropped.

    Attributes
    ----------
    n_unknown : tuple of int
        Number of unknown tokens in the source and in the target.
    """

    def __init__(self, source: list[list[int]], target: list[list[int]], n_dropped: int = 0) -> None:
        self.source, self.target = source, target
        self.n_dropped = n_dropped
        self.n_unknown = tuple(sum(tokens.count(UNKNOWN) for tokens in side) for side in (source, target))

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[list[int], list[int]]:
        return self.source[index], self.target[index]

    @property
    def lengths(self) -> np.ndarray:
        """The number of tokens of the longer sentence of each pair, of shape (n_pairs,)."""
        pairs = zip(self.source, self.target, strict=True)
        return np.array([max(len(one), len(other)) for one, other in pairs], np.int64)


def encode_pairs(
    text: ParallelText,
    vocabulary: Vocabulary,
    *,
    tokens: int,
    positions: int,
    too_long: Literal["error", "drop"] = "error",
) -> EncodedPairs:
    """Encode parallel text as tokens.

    Parameters
    ----------
    text : ParallelText
    vocabulary : Vocabulary
    tokens : int
        The maximum number of tokens per batch; see `TokenBatches`.
    positions : int
        The maximum number of tokens of the model (``max_position_embeddings``).
    too_long : {"error", "drop"}
        What to do with pairs that have a longer sentence, including the end mark, than either of these: raise an error,
        or drop and count them.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When a number is below 1, `too_long` is unknown, a sentence is too long, or no pair is left.

    Examples
    --------
    >>> from pathlib import Path
    >>> from topolearn.tasks.translation import learn_vocabulary
    >>> text = ParallelText(("a dog runs", "men"), ("ein Hund rennt", "Leute"), (Path("train.en"), Path("train.de")))
    >>> pairs = encode_pairs(text, learn_vocabulary(text, "word"), tokens=3, positions=50, too_long="drop")
    >>> pairs[0], pairs.n_dropped
    (([9, 2], [5, 2]), 1)
    """
    limit = min(check_size("tokens", tokens), check_size("positions", positions))
    if too_long not in ("error", "drop"):
        raise InvalidValueError(f"too_long={too_long!r} must be 'error' or 'drop'")
    source, target = vocabulary.encode_source(text.source), vocabulary.encode_target(text.target)
    long = [i for i, pair in enumerate(zip(source, target, strict=True)) if max(map(len, pair)) > limit]
    if not long:
        return EncodedPairs(source, target)
    if too_long == "error" or len(long) == len(text):
        first = long[0]
        side = 0 if len(source[first]) > limit else 1
        n_tokens = len((source, target)[side][first])
        name, cure = ("tokens", "raise batch_tokens, ") if tokens <= positions else ("positions", "")
        raise InvalidValueError(
            f"{text.files[side]}, line {first + 1}: {n_tokens} tokens with the end mark, more than {name}={limit} "
            f"allows ({len(long)} of {len(text)} pairs are too long): {cure}shorten the sentences, or drop them with "
            "too_long='drop'"
        )
    left_out = set(long)
    kept = [i for i in range(len(text)) if i not in left_out]
    return EncodedPairs([source[i] for i in kept], [target[i] for i in kept], len(long))
