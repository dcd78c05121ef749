"""Dataclass fields: values converted to their declared types, and docstrings built from their metadata."""

import inspect
import textwrap
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from os import PathLike
from typing import Any, TypeVar, get_args, get_origin

from topolearn.errors import InvalidTypeError

INDENTED: dict[str, Any] = {"initial_indent": "    ", "subsequent_indent": "    "}


T = TypeVar("T")


def documented(cls: type[T]) -> type[T]:
    """Add the fields of a dataclass to its docstring as parameters, described by the "help" in their metadata.

    Examples
    --------
    >>> from dataclasses import dataclass, field
    >>> @documented
    ... @dataclass
    ... class Ring:
    ...     \"\"\"A ring.
    ...
    ...     Raises
    ...     ------
    ...     ValueError
    ...     \"\"\"
    ...     size: int = field(default=3, metadata={"help": "number of nodes"})
    >>> print(inspect.getdoc(Ring))
    A ring.
    <BLANKLINE>
    Parameters
    ----------
    size : int, default 3
        number of nodes.
    <BLANKLINE>
    Raises
    ------
    ValueError
    """
    lines = ["Parameters", "----------"]
    for f in fields(cls):  # type: ignore[arg-type]  # of a dataclass
        kind = f.type.__name__ if isinstance(f.type, type) else str(f.type)
        default = "" if f.default in (None, MISSING) else f", default {f.default!r}"
        words = f.metadata["help"]
        lines += [f"{f.name} : {kind}{default}", *textwrap.wrap(f"{words}.", 100, **INDENTED)]
    head, between, tail = inspect.cleandoc(cls.__doc__ or "").partition("\n\nRaises\n")
    cls.__doc__ = "\n".join([head, "", *lines]) + between + tail
    return cls


def settle_fields(instance: Any) -> None:
    """Convert every field of a dataclass instance, frozen or not, to its declared type.

    Integers are accepted as floats, lists as tuples, and paths as text; a bool is not accepted as a number.

    Raises
    ------
    InvalidTypeError
        When a value is of another type; the message quotes the field, the value and the type.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Ring:
    ...     density: float
    ...     sizes: tuple[int, ...] | None = None
    ...     def __post_init__(self):
    ...         settle_fields(self)
    >>> Ring(1, [2, 3])
    Ring(density=1.0, sizes=(2, 3))
    >>> Ring("much")
    Traceback (most recent call last):
    topolearn.errors.InvalidTypeError: density='much' must be of type float
    """
    for f in fields(instance):
        value = getattr(instance, f.name)
        for kind in get_args(f.type) if isinstance(f.type, types.UnionType) else (f.type,):
            try:
                object.__setattr__(instance, f.name, _converted(kind, value))
                break
            except TypeError:
                continue
        else:
            words = f.type.__name__ if isinstance(f.type, type) else str(f.type)
            raise InvalidTypeError(f"{f.name}={value!r} must be of type {words}")


def _converted(kind: Any, value: Any) -> Any:
    """Return the value as an instance of one type, or raise TypeError."""
    outer, inner = get_origin(kind) or kind, get_args(kind)
    if outer is Any or (outer is types.NoneType and value is None):
        return value
    if outer is tuple and isinstance(value, list | tuple):
        return tuple(_converted(inner[0], item) for item in value)
    if outer is dict and isinstance(value, Mapping):
        return {_converted(inner[0], name): _converted(inner[1], item) for name, item in value.items()}
    accepted = {float: int | float, int: int, str: str | PathLike, bool: bool}.get(outer, ())
    if isinstance(value, accepted) and isinstance(value, bool) == (outer is bool):
        return outer(value)
    raise TypeError
