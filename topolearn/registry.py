"""Registries: one mapping of named entries for each kind, with an error that suggests the closest name."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError

T = TypeVar("T")


def suggest(name: str, names: list[str]) -> str:
    """Return a hint for an unknown name: the closest known name, and the list of all names."""
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known names: {', '.join(names)}"


class Registry(Mapping[str, T]):
    """A mapping from names to entries of one kind, to which `register` adds custom ones.

    Parameters
    ----------
    kind : str
        What an entry is called, in the singular; used in messages.
    entries : Mapping
        The entries by name, in the order in which they are shown.

    Raises
    ------
    UnknownNameError
        When an unknown name is looked up.

    Examples
    --------
    >>> shapes = Registry("shape", {"ring": 1, "grid": 2})
    >>> shapes["ring"]
    1
    >>> shapes["rnig"]
    Traceback (most recent call last):
    topolearn.errors.UnknownNameError: unknown shape 'rnig': did you mean 'ring'? Known names: ring, grid
    """

    def __init__(self, kind: str, entries: Mapping[str, T]) -> None:
        self.kind = kind
        self._entries = dict(entries)
        self._built_in = frozenset(entries)

    def register(self, name: str, entry: T) -> T:
        """Add a custom entry, for this process and the workers of its studies; its name works like a built-in one.

        Registering a custom name again replaces its entry, for example when a notebook cell runs twice.
        Configurations store only names, so register the entry before you read a run that was trained with it.

        Parameters
        ----------
        name : str
            Letters, digits and underscores, such as ``"my_rule"``.
        entry
            Of the same type as the existing entries: compare ``type(registry[name])`` of one of them.

        Returns
        -------
        The entry.

        Raises
        ------
        InvalidValueError
            When a built-in entry has this name, or the name is malformed.
        InvalidTypeError
            When the entry is not of the same type as the others.

        Examples
        --------
        >>> shapes = Registry("shape", {"ring": 1, "grid": 2})
        >>> shapes.register("star", 3), list(shapes)
        (3, ['ring', 'grid', 'star'])
        """
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise InvalidValueError(
                f"{self.kind} {name!r}: a name consists of letters, digits and underscores, like 'my_rule'"
            )
        if name in self._built_in:
            raise InvalidValueError(f"{self.kind} {name!r} is built in: choose another name")
        kinds = {type(self._entries[known]) for known in self._built_in}
        if not isinstance(entry, tuple(kinds)):
            expected = " or ".join(sorted(kind.__name__ for kind in kinds))
            article = "an" if self.kind[0] in "aeiou" else "a"
            raise InvalidTypeError(f"{entry!r} is not {article} {self.kind}: register a {expected}")
        self._entries[name] = entry
        return entry

    def unregister(self, name: str) -> None:
        """Remove a custom entry.

        Raises
        ------
        InvalidValueError
            When the entry is built in, or not registered.
        """
        if name in self._built_in or name not in self._entries:
            state = "built in" if name in self._built_in else "not registered"
            raise InvalidValueError(f"{self.kind} {name!r} is {state}")
        del self._entries[name]

    @property
    def own(self) -> dict[str, T]:
        """The custom entries by name, without the built-in ones."""
        return {name: entry for name, entry in self._entries.items() if name not in self._built_in}

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise UnknownNameError(f"unknown {self.kind} {name!r}: {suggest(str(name), list(self._entries))}")
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self._entries)})"
