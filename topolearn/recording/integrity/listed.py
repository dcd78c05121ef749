"""The content of a manifest: the listed files, the state of each, and those that may differ."""

from __future__ import annotations

import json
from typing import NamedTuple

from topolearn.errors import CorruptFileError

MANIFEST = "manifest.jsonl"
FORMAT = 1
WHOLE, CUT, CHANGED, MISSING, UNCHECKED = STATES = ("whole", "cut", "changed", "missing", "unchecked")
WRONG = (CUT, CHANGED, MISSING)

Entry = tuple[int, str]  # size, and sha256 of so many bytes


class Finding(NamedTuple):
    """The state of a file, with a description of what is wrong with it."""

    file: str
    state: str
    size: int
    detail: str = ""


class Listed:
    """The content of a manifest: the listed files, those that may differ, and whether the run is complete.

    Attributes
    ----------
    files : dict of str to (int, str)
        Size and sha256 of each file, by its path within the run. While a run is in progress, a table or an open chunk
        of the history may have grown since.
    loose : list of str
        Files and folders that were about to be replaced when the manifest was last written.
    complete : bool
    """

    def __init__(self, text: str = "", origin: str = MANIFEST) -> None:
        self.files: dict[str, Entry] = {}
        self.loose: list[str] = []
        self.complete = False
        for number, line in enumerate(text.split("\n")[:-1], 1):  # a last line without a line break was cut off
            self._take(line, f"{origin}, line {number}")

    def _take(self, line: str, place: str) -> None:
        try:
            values = json.loads(line)
            files = {str(name): (int(size), str(sha256)) for name, (size, sha256) in values.get("files", {}).items()}
            gone, loose, complete = list(values.get("gone", ())), list(values.get("loose", ())), values["complete"]
            if values.get("format", FORMAT) != FORMAT:
                raise ValueError(f"format {values['format']}, which belongs to another version of topolearn")
            if any(name.startswith("/") or ".." in name.split("/") for name in files):
                raise ValueError("it lists a file outside the run")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorruptFileError(
                f"{place} is not readable ({type(error).__name__}: {error}): inspect the run's files, then rebuild the "
                "manifest with 'topolearn verify RUN --accept-changes'"
            ) from None
        for name in gone:
            self.files.pop(name, None)
        self.files |= files
        self.loose, self.complete = loose, bool(complete)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Listed) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it is mutable

    def is_loose(self, name: str) -> bool:
        """Return whether a file may differ from its entry."""
        return any(is_in(name, each) for each in self.loose)


def is_in(name: str, place: str) -> bool:
    """Return whether a path equals another, or is inside it.

    Examples
    --------
    >>> is_in("topology/initial.npz", "topology"), is_in("topology.txt", "topology")
    (True, False)
    """
    return name == place or name.startswith(f"{place}/")
