"""Checks of counts, shares, seeds and text, used wherever they enter the library."""

from collections.abc import Iterable
from numbers import Integral, Real

import numpy as np

from topolearn.errors import InvalidTypeError, InvalidValueError


def check_size(name: str, value: int, *, least: int = 1) -> int:
    """Return a count, such as a width or a number of steps, as an int, or raise an error.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not an integer of at least ``least``.

    Examples
    --------
    >>> check_size("batch", 0)
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: batch=0 must be at least 1
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidTypeError(f"{name}={value!r} must be an integer of at least {least}")
    if value < least:
        raise InvalidValueError(f"{name}={value} must be at least {least}")
    return int(value)


def check_share(name: str, value: float) -> float:
    """Return a number in [0, 1] as a float, or raise an error.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not a number in [0, 1].
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidTypeError(f"{name}={value!r} must be a number in [0, 1]")
    if not 0 <= value <= 1:
        raise InvalidValueError(f"{name}={value} must lie in [0, 1]{as_percent(value)}")
    return float(value)


def as_percent(value: float) -> str:
    """Return a hint for a value that looks like a percentage, or an empty string.

    Examples
    --------
    >>> as_percent(5), as_percent(250)
    (': did you mean 0.05?', '')
    """
    return f": did you mean {value / 100:g}?" if 1 < value <= 100 else ""


def listed(names: str | Iterable[str]) -> list[str]:
    """Return names as a list; a string is one name, not a sequence of letters.

    Examples
    --------
    >>> listed("hidden1"), listed(("hidden1", "hidden2"))
    (['hidden1'], ['hidden1', 'hidden2'])
    """
    return [names] if isinstance(names, str) else list(names)


def check_texts(texts: Iterable[str]) -> None:
    """Raise an error if texts are a single one, whose letters would each be taken for a text.

    Raises
    ------
    InvalidTypeError
    """
    if isinstance(texts, str):
        raise InvalidTypeError(f"{texts[:40]!r} is a single text: pass a list, [{texts[:40]!r}]")


def check_seed(seed: int) -> int:
    """Return the seed of a training or of torch's generators as an int, or raise an error.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not an integer from 0 to 2**63 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise InvalidTypeError(f"seed={seed!r} must be an integer of at least 0")
    if not 0 <= seed < 2**63:
        raise InvalidValueError(f"seed={seed} must be at least 0 and below 2**63")
    return int(seed)


def check_text(place: str, text: str) -> str:
    r"""Return text that UTF-8 can encode, or raise an error that names the first byte that is not UTF-8.

    Python reads such bytes of the command line as surrogates, which no encoding has.

    Raises
    ------
    InvalidTypeError, InvalidValueError

    Examples
    --------
    >>> check_text("prompt=...", "na\udcefve")
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: prompt=...: byte 0xef in 'na\udcefve' is not UTF-8: convert the text, for ...
    """
    if not isinstance(text, str):
        raise InvalidTypeError(f"{place}: {text!r} must be text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code, around = ord(text[error.start]), text[max(0, error.start - 10) : error.start + 10]
        what = f"byte {code - 0xDC00:#04x}" if 0xDC80 <= code <= 0xDCFF else f"character U+{code:04X}"
        raise InvalidValueError(
            f"{place}: {what} in {around!r} is not UTF-8: convert the text, for example with "
            "iconv -f ISO-8859-1 -t UTF-8"
        ) from None
    return text


def random_generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    """Return a numpy Generator for a seed; a Generator is returned as it is, None gives a fresh one.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the seed is of another type, or negative.
    """
    if seed is None or isinstance(seed, np.random.Generator):
        return np.random.default_rng(seed)
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise InvalidTypeError(f"seed={seed!r} must be an integer, a numpy Generator or None")
    if seed < 0:
        raise InvalidValueError(f"seed={seed} must be at least 0")
    return np.random.default_rng(int(seed))
