"""The tokenizer of a language model: text to tokens and back, and its file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from topolearn.errors import CheckpointError, CorruptFileError, InvalidValueError, MissingFileError
from topolearn.files import written_aside
from topolearn.read_errors import reading
from topolearn.tasks.byte_pairs import byte_pairs, encoded
from topolearn.tasks.packages import hf_package

END = "<| end |>"  # marks the end of a document; as it has spaces, no text is encoded to it
KNOWN_ENDS = (END, "<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]")


class Tokenizer:
    """Maps text to token numbers; `learn_tokenizer` trains one, and `Tokenizer.load` reads one of any kind.

    A learned tokenizer never encodes text to the end mark of a document: ``</s>`` in a text is text. One of another
    kind may do so if the mark is also an ordinary token of its vocabulary. Truncation and padding that a file asks for
    are switched off.

    Parameters
    ----------
    content : str
        The JSON written by `save`, in the format of tokenizers.
    origin : str or Path
        Where the content comes from, for error messages.

    Attributes
    ----------
    n_tokens : int
        The largest number of a token, plus 1.
    end : int
        The number of the end mark, which separates documents and also precedes the first one.
    content : str
        The JSON that `save` writes.
    hash : str
        The sha256 of the content; two tokenizers with the same hash are the same.

    Raises
    ------
    MissingPackageError
        When tokenizers is not installed.
    CorruptFileError, InvalidValueError
        When the content is not in the format of tokenizers, or has no end mark of documents.

    Examples
    --------
    >>> tokenizer = learn_tokenizer(["a dog runs, a dog sleeps"], 262)
    >>> tokenizer, tokenizer.decode(tokenizer.encode([" a dog"])[0])
    (Tokenizer(262 tokens, hash ...), ' a dog')
    """

    def __init__(self, content: str, origin: str | Path = "the tokenizer") -> None:
        try:
            self._tokenizer: Any = hf_package("tokenizers").Tokenizer.from_str(content)
        except ImportError:
            raise
        except Exception as error:  # the package raises nothing narrower
            raise CorruptFileError(f"{origin} is not in the format of tokenizers: {error}") from None
        ends = [mark for mark in KNOWN_ENDS if self._tokenizer.token_to_id(mark) is not None]
        if not ends:
            raise InvalidValueError(f"{origin} has no end mark of documents: it needs one of {', '.join(KNOWN_ENDS)}")
        self.content = _without_cutting(self._tokenizer, content)
        self._tokenizer.encode_special_tokens = True  # else text that spells a mark would become it
        self.end = int(self._tokenizer.token_to_id(ends[0]))
        self.n_tokens = max(self._tokenizer.get_vocab().values()) + 1  # the numbers may have gaps
        self.hash = hashlib.sha256(self.content.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"Tokenizer({self.n_tokens} tokens, hash {self.hash[:12]})"

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of texts, without marks.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When one is not text, or has a character that UTF-8 cannot encode.
        """
        return [each.ids for each in encoded(self._tokenizer, texts)]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, without marks."""
        text: str = self._tokenizer.decode([int(token) for token in tokens])
        return text

    def save(self, path: str | Path) -> None:
        """Write the tokenizer to a file, which ``tokenizers.Tokenizer.from_file`` can read as well."""
        with written_aside(path) as aside:
            aside.write_text(self.content, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """Load the tokenizer in a file ``tokenizer.json``, or in a folder that contains one.

        Raises
        ------
        MissingPackageError, MissingFileError, CorruptFileError, InvalidValueError
            When tokenizers is not installed, or the file does not exist or is unusable.
        """
        path = Path(path)
        file = path / "tokenizer.json" if path.is_dir() else path
        if not file.is_file():
            raise MissingFileError(f"there is no tokenizer {file}: give a tokenizer.json, or omit it to learn one")
        with reading(file, "in the format of tokenizers", "use the one of the run"):
            return cls(file.read_bytes().decode("utf-8-sig"), file)

    def check_hash(self, expected: str, owner: str | Path) -> None:
        """Raise if `owner`, such as a checkpoint, was trained with another tokenizer.

        Raises
        ------
        CheckpointError
        """
        if self.hash != expected:
            raise CheckpointError(
                f"{owner} was trained with another tokenizer (hash {expected[:12]}, this one has {self.hash[:12]}): "
                "use the tokenizer of its own run"
            )


def _without_cutting(tokenizer: Any, content: str) -> str:
    """Switch off a tokenizer's truncation and padding, and return its content, which is unchanged without these."""
    if tokenizer.truncation is None and tokenizer.padding is None:
        return content
    tokenizer.no_truncation()
    tokenizer.no_padding()
    changed: str = tokenizer.to_str()
    return changed


def learn_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn a byte-pair tokenizer; the same text and size give the same tokenizer, byte for byte.

    Raises
    ------
    MissingPackageError, InvalidValueError
        When tokenizers is not installed, or there is no room for the 256 bytes and the mark.
    """
    return Tokenizer(byte_pairs(texts, size, [END], begins_with_space=False).to_str())
