"""Subword tokens by byte-pair encoding, learned from text."""

from collections.abc import Iterable, Sequence
from typing import Any

from topolearn.checks import check_text, check_texts
from topolearn.errors import InvalidValueError
from topolearn.tasks.packages import hf_package

N_BYTES = 256


def byte_pairs(
    texts: Iterable[str], size: int, marks: Sequence[str], *, min_count: int = 1, begins_with_space: bool = True
) -> Any:
    """Return a byte-pair tokenizer: the 256 bytes, and the most frequent pairs, merged one after another.

    Merges never cross the borders of words (with the space before them) and punctuation. Since all bytes are tokens, no
    character is unknown, and decoding restores a text exactly.

    Parameters
    ----------
    texts : iterable of str
        The text to learn from.
    size : int
        The maximum number of tokens, including bytes and marks.
    marks : sequence of str
        Tokens that are not text; they get the first numbers.
    min_count : int
        How often a pair must occur.
    begins_with_space : bool
        Whether the first word of a text gets the same token as after a space.

    Returns
    -------
    tokenizers.Tokenizer

    Raises
    ------
    MissingPackageError
        When tokenizers is not installed.
    InvalidTypeError, InvalidValueError
        When `texts` is a single text, or `size` has no room for the bytes and the marks.

    References
    ----------
    Sennrich, Haddow, Birch (2016), "Neural machine translation of rare words with subword units"; applied to
    bytes as in Radford et al. (2019), "Language models are unsupervised multitask learners".

    Examples
    --------
    >>> tokenizer = byte_pairs(["a dog runs, a dog sleeps"], 262, ["<| end |>"])
    >>> tokenizer.get_vocab_size(), tokenizer.encode("a dog").tokens
    (262, ['Ġa', 'Ġdog'])
    """
    check_texts(texts)
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


def encoded(tokenizer: Any, texts: Sequence[str]) -> list[Any]:
    """Return the encodings of texts by a tokenizer of tokenizers, without marks.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `texts` is a single text, or one is not text, or has a character that UTF-8 cannot encode.
    """
    check_texts(texts)
    try:
        return list(tokenizer.encode_batch_fast(list(texts), add_special_tokens=False))
    except TypeError:  # the package does not say which text, or why
        for number, text in enumerate(texts, 1):
            check_text(f"text {number}", text)
        raise
