"""The vocabulary of a translation model: converts sentences to tokens and back, and its file."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from topolearn.errors import CheckpointError, CorruptFileError
from topolearn.files import read_json, written_aside
from topolearn.read_errors import reading
from topolearn.tasks.byte_pairs import encoded
from topolearn.tasks.packages import hf_package

PAD, BEGIN, END, UNKNOWN = range(4)
# With the spaces, no text is encoded to a mark; unknown words are displayed as in other tools.
MARKS = ("<| pad |>", "<| begin |>", "<| end |>", "<unk>")
KINDS = {"BPE": "bpe", "WordLevel": "word"}


class Vocabulary:
    """Maps sentences to token numbers, for both languages together or separately; `learn_vocabulary` makes one.

    The first four tokens are marks: `PAD`, `BEGIN`, `END` and `UNKNOWN`. Text is never encoded to the first three,
    whatever it contains: ``</s>`` in a sentence is text.

    Parameters
    ----------
    content : str
        The JSON written by `save`.
    origin : str or Path
        Where the content comes from, for error messages.

    Attributes
    ----------
    kind : {"bpe", "word"}
    joint : bool
        Whether both languages share the tokens.
    n_source, n_target : int
        Numbers of tokens, including marks; equal if joint.
    hash : str
        The sha256 of the content; two vocabularies with the same hash are the same.

    Raises
    ------
    MissingPackageError
        When tokenizers is not installed.
    CorruptFileError
        When the content is not a translation vocabulary.

    Examples
    --------
    >>> from topolearn.tasks.translation import ParallelText, learn_vocabulary
    >>> text = ParallelText(("a dog runs",), ("ein Hund rennt",), (Path("train.en"), Path("train.de")))
    >>> vocabulary = learn_vocabulary(text, "word")
    >>> vocabulary.n_source, vocabulary.encode_source(["a dog sleeps"])
    (10, [[5, 6, 3, 2]])
    >>> vocabulary.decode([[5, 6, 3, 2]])
    ['a dog <unk>']
    """

    def __init__(self, content: str, origin: str | Path = "the vocabulary") -> None:
        self._content = content
        self._source, self._target = _tokenizers(content, origin)
        self.joint = self._source is self._target
        self.kind = KINDS[type(self._target.model).__name__]
        self.n_source: int = self._source.get_vocab_size()
        self.n_target: int = self._target.get_vocab_size()
        self.hash = hashlib.sha256(content.encode()).hexdigest()

    def __repr__(self) -> str:
        sizes = f"{self.n_source}" if self.joint else f"{self.n_source} + {self.n_target}"
        return f"Vocabulary({self.kind!r}, {sizes} tokens, hash {self.hash[:12]})"

    def encode_source(self, sentences: Sequence[str]) -> list[list[int]]:
        """Return the tokens of sentences in the source language, each with the end mark."""
        return _encode(self._source, sentences)

    def encode_target(self, sentences: Sequence[str]) -> list[list[int]]:
        """Return the tokens of sentences in the target language, each with the end mark."""
        return _encode(self._target, sentences)

    def decode(self, tokens: Iterable[Sequence[int]]) -> list[str]:
        """Return the sentences of tokens in the target language.

        Tokens after the end mark are dropped, as are padding and begin marks. Unknown words become ``<unk>``, and
        invalid UTF-8 becomes U+FFFD. Runs of whitespace become one space, so that a sentence is one line.
        """
        decode = self._target.decode
        return [" ".join(decode(_before_end(each), skip_special_tokens=False).split()) for each in tokens]

    def save(self, path: str | Path) -> None:
        """Write the vocabulary to one JSON file.

        A joint vocabulary is written in the format of tokenizers, which ``tokenizers.Tokenizer.from_file`` can read;
        otherwise the file contains two of these, as ``source`` and ``target``.
        """
        with written_aside(path) as aside:
            aside.write_text(self._content, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Load the vocabulary in a file.

        Raises
        ------
        MissingPackageError, MissingFileError, CorruptFileError
            When tokenizers is not installed, or the file does not exist or is not a translation vocabulary.
        """
        read_json(Path(path))
        with reading(path, "a translation vocabulary", "use the one of the run"):
            return cls(Path(path).read_bytes().decode("utf-8"), path)

    def check_hash(self, expected: str, owner: str | Path) -> None:
        """Raise if `owner` was trained with another vocabulary.

        Parameters
        ----------
        expected : str
            The hash of the vocabulary that `owner` was trained with.
        owner : str or Path
            The path of a checkpoint, or the like, for the message.

        Raises
        ------
        CheckpointError
            When this is another vocabulary.
        """
        if self.hash != expected:
            raise CheckpointError(
                f"{owner} was trained with another vocabulary (hash {expected[:12]}, this one has {self.hash[:12]}): "
                "use the vocabulary of its own run"
            )


def _tokenizers(content: str, origin: str | Path) -> tuple[Any, Any]:
    """Return the tokenizers of the source and target language, which are the same object if joint."""
    try:
        values = json.loads(content)
    except json.JSONDecodeError as error:
        raise CorruptFileError(f"{origin} is not JSON: {error}") from None
    sides = [values["source"], values["target"]] if set(values) == {"source", "target"} else [values]
    tokenizers = [_tokenizer(json.dumps(side), origin) for side in sides]
    return tokenizers[0], tokenizers[-1]


def _tokenizer(content: str, origin: str | Path) -> Any:
    try:
        tokenizer = hf_package("tokenizers").Tokenizer.from_str(content)
    except Exception as error:  # the package raises nothing narrower
        if isinstance(error, ImportError):
            raise
        raise CorruptFileError(f"{origin} is not in the format of tokenizers: {error}") from None
    kind = type(tokenizer.model).__name__
    if kind not in KINDS or [tokenizer.token_to_id(mark) for mark in MARKS] != list(range(len(MARKS))):
        raise CorruptFileError(
            f"{origin} is not a translation vocabulary, as it lacks the marks {', '.join(MARKS)}: "
            "use the one of the run, or learn one with learn_vocabulary"
        )
    tokenizer.encode_special_tokens = True  # else text that spells a mark would become it; the file does not keep this
    return tokenizer


def _encode(tokenizer: Any, sentences: Sequence[str]) -> list[list[int]]:
    return [[*each.ids, END] for each in encoded(tokenizer, sentences)]


def _before_end(tokens: Sequence[int]) -> list[int]:
    tokens = [int(token) for token in tokens]
    if END in tokens:
        tokens = tokens[: tokens.index(END)]
    return [token for token in tokens if token not in (PAD, BEGIN)]
