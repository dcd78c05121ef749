"""Named parts: one dictionary for each kind, with an error that suggests the nearest name."""

import difflib
from collections.abc import Iterator, Mapping
from typing import TypeVar

from topolearn.errors import UnknownNameError

T = TypeVar("T")


def suggest(name: str, names: list[str]) -> str:
    """Return a hint for an unknown name: the nearest known one, and all of them."""
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known names: {', '.join(names)}"


class Registry(Mapping[str, T]):
    """A read-only mapping from names to the parts of one kind.

    Parameters
    ----------
    kind : str
        What the parts are, in the singular; used in messages.
    parts : Mapping
        The parts by name, in the order in which they are shown.

    Raises
    ------
    UnknownNameError
        When a name is looked up that is not there.

    Examples
    --------
    >>> shapes = Registry("shape", {"ring": 1, "grid": 2})
    >>> shapes["ring"]
    1
    >>> shapes["rnig"]
    Traceback (most recent call last):
    topolearn.errors.UnknownNameError: unknown shape 'rnig': did you mean 'ring'? Known names: ring, grid
    """

    def __init__(self, kind: str, parts: Mapping[str, T]) -> None:
        self.kind = kind
        self._parts = dict(parts)

    def __getitem__(self, name: str) -> T:
        if name not in self._parts:
            raise UnknownNameError(f"unknown {self.kind} {name!r}: {suggest(str(name), list(self._parts))}")
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self._parts)})"
