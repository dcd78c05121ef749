"""Validate the sizes, names, edges and cells from which graphs are made."""

import operator
import re
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topolearn.errors import InvalidTypeError, InvalidValueError

# The characters that XML can hold on one line, so that every file format can hold every name.
_NAME = re.compile("[\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")


def sizes(n_in: int, n_out: int) -> tuple[int, int]:
    """Return both sizes as plain integers; each side needs at least one neuron."""
    given = f"n_in={n_in!r}, n_out={n_out!r}"
    try:
        n_in, n_out = integer(n_in), integer(n_out)
    except TypeError:
        raise InvalidTypeError(f"{given}: sizes must be integers of at least 1") from None
    if n_in < 1 or n_out < 1:
        raise InvalidValueError(f"n_in={n_in}, n_out={n_out}: each side needs at least 1 neuron")
    if n_in * n_out >= 2**63:
        raise InvalidValueError(f"n_in={n_in}, n_out={n_out}: n_in * n_out must be less than 2**63")
    return n_in, n_out


def integer(value: Any) -> int:
    """Return an integer of any kind as a plain one; a bool is none, although Python counts it among them.

    Raises
    ------
    TypeError
    """
    if isinstance(value, bool):
        raise TypeError
    return operator.index(value)


def names(given: Iterable[str] | None, n: int, side: str) -> tuple[str, ...] | None:
    """Return the names of one side as a tuple of unique strings, one for each neuron."""
    return distinct_names(given, n, f"{side}_names", f"{side} neurons")


def distinct_names(given: Iterable[str] | None, n: int, word: str, owners: str) -> tuple[str, ...] | None:
    """Return names as a tuple of unique strings, one for each of n owners; messages refer to them as `word`."""
    if given is None:
        return None
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidTypeError(f"{word}={given!r}: pass a sequence of {n} strings")
    result = tuple(given)
    if len(result) != n:
        raise InvalidValueError(f"{word} has {len(result)} names for {n} {owners}: pass {n}")
    first: dict[str, int] = {}
    for i, name in enumerate(result):
        if not isinstance(name, str):
            raise InvalidTypeError(f"{word}[{i}] = {name!r} is not a string: use str({name!r})")
        if not _NAME.fullmatch(name):
            raise InvalidValueError(
                f"{word}[{i}] = {name!r}: a name needs at least 1 character and no control characters"
            )
        if first.setdefault(name, i) != i:
            raise InvalidValueError(f"{word}[{i}] = {name!r} repeats {word}[{first[name]}]: names must be unique")
    return tuple(str(name) for name in result)


def pairs_of(given: Iterable[Iterable[Any]], ends: str) -> list[tuple[Any, ...]]:
    """Return pairs of names as a list of tuples; messages refer to their two ends.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When they are not pairs; a string is none, even one of two characters.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidTypeError(f"pairs={given!r}: pass a sequence of pairs of names, ({ends})")
    result = []
    for i, pair in enumerate(given):
        if isinstance(pair, str | bytes) or not isinstance(pair, Iterable):
            raise InvalidTypeError(f"entry {i} is {pair!r}: pass pairs of names, ({ends})")
        result.append(tuple(pair))
        if len(result[i]) != 2:
            raise InvalidValueError(f"entry {i} is {result[i]!r}: pass pairs of names, ({ends})")
    return result


def is_side(side: Any) -> bool:
    """Return whether the attribute of a node names a side: 0 or False for inputs, 1 or True for outputs."""
    return isinstance(side, Real | np.bool_) and side in (0, 1)


def cells_of_edges(edges: ArrayLike, n_in: int, n_out: int) -> NDArray[np.int64]:
    """Return the sorted cells of (k, 2) integer rows (input, output), which must be unique and in range."""
    rows = integers(edges, "edges")
    if rows.shape == (0,):
        rows = rows.reshape(0, 2)
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise InvalidValueError(f"edges has shape {rows.shape}: pass (k, 2) rows (input, output)")
    outside = ((rows < 0) | (rows >= np.array([n_in, n_out]))).any(axis=1)
    if outside.any():
        raise InvalidValueError(
            f"{quote(rows, 'edges', int(outside.argmax()))} is out of range: "
            f"inputs are 0..{n_in - 1}, outputs 0..{n_out - 1}; rows are (input, output)"
        )
    rows = rows.astype(np.int64)
    return _sorted_distinct(rows[:, 1] * n_in + rows[:, 0], rows, "edges")


def sorted_cells(cells: ArrayLike, n_in: int, n_out: int) -> NDArray[np.int64]:
    """Return 1-D integer cells in order; they must be unique and in range."""
    values = integers(cells, "cells")
    if values.ndim != 1:
        raise InvalidValueError(f"cells has shape {values.shape}: pass a 1-D array of output * n_in + input")
    outside = (values < 0) | (values >= n_in * n_out)
    if outside.any():
        raise InvalidValueError(
            f"{quote(values, 'cells', int(outside.argmax()))} is out of range: "
            f"cells of {n_in} inputs and {n_out} outputs are 0..{n_in * n_out - 1}"
        )
    values = values.astype(np.int64)
    return _sorted_distinct(values, values, "cells")


def integers(values: ArrayLike, what: str) -> NDArray[Any]:
    """Return values as an array of integers; other numbers raise an error and are never truncated."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InvalidValueError(f"{what} is not an array of integers: {error}") from None
    if array.size == 0:  # an empty list has no integer dtype
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise InvalidTypeError(
            f"{quote(np.atleast_1d(array), what, 0)} has dtype {array.dtype}: pass integers, for example "
            f"{what}.astype(int)"
        )
    return array


def _sorted_distinct(cells: NDArray[np.int64], given: NDArray[Any], what: str) -> NDArray[np.int64]:
    if (np.diff(cells) > 0).all():
        return cells
    result = np.sort(cells)
    repeated = result[1:][result[1:] == result[:-1]]
    if repeated.size:
        first, second = np.flatnonzero(cells == repeated[0])[:2]
        raise InvalidValueError(
            f"{quote(given, what, second)} repeats {what}[{first}]: each link must appear once; "
            f"use numpy.unique({what}, axis=0)"
        )
    return result


def quote(array: NDArray[Any], what: str, i: int) -> str:
    """Return an entry of an array as text for messages."""
    return f"{what}[{i}] = {array[i : i + 1].tolist()[0]}"
