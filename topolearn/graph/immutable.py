"""Immutable objects and arrays."""

from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray


class Immutable:
    """A base class that prevents attributes from being set or deleted; a copy of the object is the object itself."""

    __slots__ = ()

    def _fill(self, **attributes: Any) -> None:
        """Set the attributes; only for constructors."""
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r} is read-only; make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r} is read-only; make a new one")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def read_only(array: NDArray[np.int64]) -> NDArray[np.int64]:
    """Make an array read-only, and return it."""
    array.setflags(write=False)
    return array
