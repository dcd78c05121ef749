"""Learning a vocabulary from text: subwords by byte-pair encoding, or whole words."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError
from topolearn.registry import Registry
from topolearn.tasks.byte_pairs import byte_pairs
from topolearn.tasks.packages import hf_package
from topolearn.tasks.translation.corpus import ParallelText
from topolearn.tasks.translation.vocabulary import MARKS, UNKNOWN, Vocabulary

DEFAULT_PIECES = 4000

Learner = Callable[[Sequence[str], int | None, int], Any]


def pieces(sentences: Sequence[str], size: int | None, min_count: int) -> Any:
    """Return a byte-pair tokenizer; the first word of a sentence is tokenized like any other."""
    return byte_pairs(sentences, DEFAULT_PIECES if size is None else size, MARKS, min_count=min_count)


def whole_words(sentences: Sequence[str], size: int | None, min_count: int) -> Any:
    """Return a tokenizer of the most frequent words between spaces; all others are unknown."""
    tokenizers = hf_package("tokenizers")
    counts = Counter(word for sentence in sentences for word in sentence.split())
    words = [word for word, count in counts.items() if count >= min_count and word not in MARKS]
    words = [*MARKS, *sorted(words, key=lambda word: (-counts[word], word))][:size]
    model = tokenizers.models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=MARKS[UNKNOWN])
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(MARKS))
    return tokenizer


VOCABULARIES: Registry[Learner] = Registry("kind of vocabulary", {"bpe": pieces, "word": whole_words})


def learn_vocabulary(
    train: ParallelText, kind: str = "bpe", *, size: int | None = None, min_count: int = 1, joint: bool = True
) -> Vocabulary:
    """Learn a vocabulary from the training split alone.

    The same text and options give the same vocabulary, byte for byte.

    Parameters
    ----------
    train : ParallelText
    kind : str
        One of `VOCABULARIES`: subwords ("bpe"), or words between spaces ("word").
    size : int, optional
        The maximum number of tokens, including the four marks; default 4,000 for "bpe", no limit for "word". A short
        text may give fewer.
    min_count : int
        How often a word, or a pair of subwords, must occur.
    joint : bool
        Whether both languages share the tokens; otherwise each has up to `size` of its own.

    Raises
    ------
    MissingPackageError
        When tokenizers is not installed.
    UnknownNameError, InvalidTypeError, InvalidValueError
        When there is no such kind, or a number is too small.

    Examples
    --------
    >>> from pathlib import Path
    >>> text = ParallelText(("a dog runs",), ("ein Hund rennt",), (Path("train.en"), Path("train.de")))
    >>> learn_vocabulary(text, "word", joint=False)
    Vocabulary('word', 7 + 7 tokens, hash ...)
    >>> pieces = learn_vocabulary(text, size=300)
    >>> pieces.decode(pieces.encode_target(["ein Schneemann ☃ </s>"]))
    ['ein Schneemann ☃ </s>']
    """
    learn = VOCABULARIES[kind]
    size = None if size is None else check_size("size", size)
    if size is not None and size <= len(MARKS):
        raise InvalidValueError(f"size={size} must be at least {len(MARKS) + 1}: {len(MARKS)} marks and one token")
    min_count = check_size("min_count", min_count)
    if joint:
        return Vocabulary(learn([*train.source, *train.target], size, min_count).to_str())
    sides = {"source": train.source, "target": train.target}
    learned = {side: json.loads(learn(text, size, min_count).to_str()) for side, text in sides.items()}
    return Vocabulary(json.dumps(learned, ensure_ascii=False))
