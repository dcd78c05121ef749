"""Decoding: translate sentences with beam search, in batches by tokens."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from numbers import Real
from typing import Any

import torch

from topolearn.checks import check_size, check_text, check_texts
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.tasks.evaluating import evaluating
from topolearn.tasks.packages import hf_package
from topolearn.tasks.translation.batches import padded
from topolearn.tasks.translation.vocabulary import BEGIN, END, PAD, Vocabulary

STEP = 8  # source lengths are rounded up to multiples of this before they determine a limit
SLACK = 16


def check_length_penalty(value: float) -> float:
    """Return the exponent of the length in the score of a translation as a float, or raise an error.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not a number in [-10, 10]; beyond, scores overflow, and every translation ends at once.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidTypeError(f"length_penalty={value!r} must be a number in [-10, 10]")
    if not -10 <= value <= 10:
        raise InvalidValueError(f"length_penalty={value} must lie in [-10, 10]")
    return float(value)


def checked_sentences(sentences: Sequence[str]) -> Sequence[str]:
    """Return sentences, or raise an error for a single string, or for one that is not text.

    Raises
    ------
    InvalidTypeError, InvalidValueError
    """
    check_texts(sentences)
    return [check_text(f"sentence {number}", sentence) for number, sentence in enumerate(sentences, 1)]


def length_limit(n_tokens: int) -> int:
    """Return the maximum tokens of a translation: twice its source's, rounded up to a multiple of 8, plus 16.

    Examples
    --------
    >>> length_limit(3), length_limit(9)
    (32, 48)
    """
    return 2 * STEP * -(-n_tokens // STEP) + SLACK


def translate(
    model: Any,
    vocabulary: Vocabulary,
    sentences: Sequence[str],
    *,
    beams: int = 2,
    length_penalty: float = 1.0,
    max_length: int | None = None,
    batch_tokens: int = 1024,
    cache: bool = True,
    progress: Callable[[int], Any] | None = None,
) -> list[str]:
    """Translate sentences with beam search.

    The score of a translation is ``log p / length ** length_penalty``, where the length includes the end mark. Up to
    rounding, the result does not depend on the batches: each sentence is translated as on its own.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        An encoder-decoder model, such as `M2M100ForConditionalGeneration`, trained with this vocabulary. Its modules
        are put into evaluation mode temporarily.
    vocabulary : Vocabulary
    sentences : sequence of str
        Whitespace is treated as in `sentences_of`. The translation of an empty sentence is empty.
    beams : int
        The beam width; 1 always takes the likeliest token.
    length_penalty : float
        In [-10, 10]; larger values favour longer translations.
    max_length : int, optional
        The maximum number of tokens in a translation, including the end mark; default `length_limit` of its source.
        Neither can exceed the positions of the model.
    batch_tokens : int
        The maximum number of source tokens in a batch, including padding; a longer sentence gets its own batch.
    cache : bool
        Whether to cache keys and values of earlier tokens, which only affects the running time.
    progress : callable, optional
        Called after each batch with its number of sentences, like ``tqdm.update``.

    Returns
    -------
    list of str

    Raises
    ------
    MissingPackageError
        When transformers is not installed.
    InvalidTypeError, InvalidValueError
        When the sentences are one string, one is not text or is longer than the model's positions, the vocabulary does
        not belong to the model, or a number is out of range.

    Examples
    --------
    >>> from pathlib import Path
    >>> from transformers import M2M100Config, M2M100ForConditionalGeneration
    >>> from topolearn.tasks.translation import ParallelText, learn_vocabulary
    >>> text = ParallelText(("a dog runs",), ("ein Hund rennt",), (Path("train.en"), Path("train.de")))
    >>> vocabulary = learn_vocabulary(text, "word")
    >>> sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": vocabulary.n_source}
    >>> model = M2M100ForConditionalGeneration(M2M100Config(**sizes, pad_token_id=0))
    >>> len(translate(model, vocabulary, ["a dog", "a dog runs"]))
    2
    """
    hf_package("transformers")
    length_penalty = check_length_penalty(length_penalty)
    beams, batch_tokens = check_size("beams", beams), check_size("batch_tokens", batch_tokens)
    positions = int(model.config.max_position_embeddings)
    longest = positions if max_length is None else min(check_size("max_length", max_length), positions)
    _check_vocabulary(model, vocabulary)
    sentences = [" ".join(sentence.split()) for sentence in checked_sentences(sentences)]
    source = vocabulary.encode_source(sentences)
    _check_lengths(source, positions)

    def limit(tokens: Sequence[int]) -> int:
        return longest if max_length is not None else min(length_limit(len(tokens)), longest)

    translated = [""] * len(sentences)
    with evaluating(model):
        for n_new, batch in _batches(sentences, source, limit, batch_tokens):
            rows = _search([source[i] for i in batch], model, beams, length_penalty, n_new, cache)
            for i, sentence in zip(batch, vocabulary.decode(rows), strict=True):
                translated[i] = sentence
            if progress is not None:
                progress(len(batch))
    return translated


def _check_vocabulary(model: Any, vocabulary: Vocabulary) -> None:
    n_tokens = max(vocabulary.n_source, vocabulary.n_target)
    if n_tokens != model.config.vocab_size:
        raise InvalidValueError(
            f"the vocabulary has {n_tokens} tokens and the model {model.config.vocab_size}: use the vocabulary of the "
            "model's own run"
        )


def _check_lengths(source: list[list[int]], positions: int) -> None:
    for number, tokens in enumerate(source, 1):
        if len(tokens) > positions:
            raise InvalidValueError(
                f"sentence {number} has {len(tokens)} tokens with the end mark, more than the {positions} positions of "
                "the model: split it"
            )


def _batches(
    sentences: Sequence[str], source: list[list[int]], limit: Callable[[Sequence[int]], int], batch_tokens: int
) -> Iterator[tuple[int, list[int]]]:
    """Yield a limit for translations and the numbers of sentences that share it, batch by batch, longest first.

    With different limits in one batch, a translation that reaches its limit would depend on the other sentences.
    """
    order = sorted((i for i, sentence in enumerate(sentences) if sentence), key=lambda i: -len(source[i]))
    for n_new, group in groupby(order, key=lambda i: limit(source[i])):
        same = list(group)
        while same:
            n = max(1, batch_tokens // len(source[same[0]]))
            yield n_new, same[:n]
            same = same[n:]


def _search(
    source: list[list[int]], model: Any, beams: int, length_penalty: float, n_new: int, cache: bool
) -> list[list[int]]:
    """Return the tokens of the best translations."""
    settings: dict[str, Any] = {"num_beams": beams, "max_new_tokens": n_new, "do_sample": False, "use_cache": cache}
    if beams > 1:
        settings["length_penalty"] = length_penalty
    marks = {"pad_token_id": PAD, "bos_token_id": BEGIN, "eos_token_id": END, "decoder_start_token_id": BEGIN}
    input_ids = padded(source, PAD).to(model.device)
    with torch.no_grad():
        rows = model.generate(
            input_ids=input_ids,
            attention_mask=(input_ids != PAD).to(torch.int64),
            generation_config=hf_package("transformers").GenerationConfig(**settings, **marks),
        )
    return rows.tolist()
