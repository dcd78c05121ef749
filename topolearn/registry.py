"""Named parts: one dictionary for each kind, with an error that suggests the nearest name."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError

T = TypeVar("T")


def suggest(name: str, names: list[str]) -> str:
    """Return a hint for an unknown name: the nearest known one, and all of them."""
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known names: {', '.join(names)}"


class Registry(Mapping[str, T]):
    """A mapping from names to the parts of one kind, to which you can add your own with `register`.

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
        self._built_in = frozenset(parts)

    def register(self, name: str, part: T) -> T:
        """Add a part of your own, for this process and the workers of its studies; its name stands where such names do.

        A name of your own can be given anew, as when a cell of a notebook is run again; configurations keep names
        alone, so register before reading a run that was trained with the part.

        Parameters
        ----------
        name : str
            Letters, digits and underscores, such as ``"my_rule"``.
        part
            The same kind of thing as the others: compare ``type(registry[name])`` of one that is there.

        Returns
        -------
        The part.

        Raises
        ------
        InvalidValueError
            When the name is a built-in part's, or not of that form.
        InvalidTypeError
            When the part is of another type than the others.

        Examples
        --------
        >>> shapes = Registry("shape", {"ring": 1, "grid": 2})
        >>> shapes.register("star", 3), list(shapes)
        (3, ['ring', 'grid', 'star'])
        """
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise InvalidValueError(
                f"{self.kind} {name!r}: a name is of letters, digits and underscores, like 'my_rule'"
            )
        if name in self._built_in:
            raise InvalidValueError(f"{self.kind} {name!r} is built in: choose another name")
        kinds = {type(self._parts[known]) for known in self._built_in}
        if not isinstance(part, tuple(kinds)):
            expected = " or ".join(sorted(kind.__name__ for kind in kinds))
            raise InvalidTypeError(f"{part!r} is no {self.kind}: register a {expected}")
        self._parts[name] = part
        return part

    def unregister(self, name: str) -> None:
        """Remove a part of your own.

        Raises
        ------
        InvalidValueError
            When it is built in, or not there.
        """
        if name in self._built_in or name not in self._parts:
            raise InvalidValueError(f"{self.kind} {name!r} is {'built in' if name in self._built_in else 'not there'}")
        del self._parts[name]

    @property
    def own(self) -> dict[str, T]:
        """The parts that were registered, by name; not those that are built in."""
        return {name: part for name, part in self._parts.items() if name not in self._built_in}

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
