"""The base of values that never change after they are made."""

from typing import Any, NoReturn, Self


class Immutable:
    """Refuse to set or delete attributes; a copy of the value is the value itself."""

    __slots__ = ()

    def _fill(self, **attributes: Any) -> None:
        """Set the attributes once, from the constructor."""
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot change: {name!r} is read-only; make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot change: {name!r} is read-only; make a new one")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
