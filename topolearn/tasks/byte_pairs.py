"""Pieces of words by byte pairs, learnt from text."""

from collections.abc import Iterable, Sequence
from typing import Any

from topolearn.errors import InvalidValueError
from topolearn.tasks.packages import hf_package

N_BYTES = 256


def byte_pairs(
    texts: Iterable[str], size: int, marks: Sequence[str], *, min_count: int = 1, begins_with_space: bool = True
) -> Any:
    """Return a tokenizer of byte pairs: the 256 bytes, and the most frequent pairs joined one after another.

    Words, with the space before them, and punctuation are joined within themselves alone. Since all bytes are tokens,
    no character is unknown, and a text comes back exactly.

    Parameters
    ----------
    texts : iterable of str
        What it is learnt from.
    size : int
        The largest number of tokens, bytes and marks included.
    marks : sequence of str
        Tokens that are not text; they have the first numbers.
    min_count : int
        How often a pair must occur.
    begins_with_space : bool
        Whether the first word of a text is the same token as it is after a space.

    Returns
    -------
    tokenizers.Tokenizer

    Raises
    ------
    MissingPackageError
        When tokenizers is not installed.
    InvalidValueError
        When there is no room for bytes and marks.

    References
    ----------
    Sennrich, Haddow, Birch (2016), "Neural machine translation of rare words with subword units"; on bytes as in
    Radford et al. (2019), "Language models are unsupervised multitask learners".

    Examples
    --------
    >>> tokenizer = byte_pairs(["a dog runs, a dog sleeps"], 262, ["<| end |>"])
    >>> tokenizer.get_vocab_size(), tokenizer.encode("a dog").tokens
    (262, ['Ġa', 'Ġdog'])
    """
    tokenizers = hf_package("tokenizers")
    smallest = N_BYTES + len(marks)
    if size < smallest:
        marks_too = f"{len(marks)} mark" + "s" * (len(marks) != 1)
        raise InvalidValueError(f"size={size} must be at least {smallest}: {N_BYTES} bytes and {marks_too}")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=begins_with_space)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, min_frequency=min_count, special_tokens=list(marks), initial_alphabet=alphabet,
        show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
