"""The manifest of a run: size and checksum of each file, to detect files that were changed, cut off or lost."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from topolearn.errors import CorruptFileError
from topolearn.files import append_bytes, written_aside
from topolearn.recording.integrity.listed import (
    CHANGED,
    CUT,
    FORMAT,
    MANIFEST,
    MISSING,
    UNCHECKED,
    WHOLE,
    WRONG,
    Entry,
    Finding,
    Listed,
    is_in,
)

if TYPE_CHECKING:
    from hashlib import _Hash

EVERY = 1.0  # minimum seconds between lines while a run is in progress
LARGEST = 2**16  # bytes of appended lines before they are merged into one
BLOCK = 2**20


class Manifest:
    """Writes and checks the manifest of a run.

    The file has one JSON object per line, each a change to the lines before: ``files`` (path to [size, sha256]),
    ``gone``, ``loose``, ``complete``. The manifest stays valid if the process is killed: files are listed once they are
    complete, files that grow (tables, the open chunk of the history) keep their listed beginning, and files are
    declared loose before they are replaced.

    Parameters
    ----------
    folder : Path
        The run directory.
    names : collection of str
        The files and folders in it to list; all other files are ignored.
    growing : collection of str
        Names, or beginnings of names, of files that grow while the run is in progress.
    """

    def __init__(self, folder: Path, names: Collection[str], growing: Collection[str] = ()) -> None:
        self.path = folder / MANIFEST
        self._folder, self._names, self._growing = folder, dict.fromkeys(names), tuple(growing)
        self._listed = Listed()
        self._known: dict[str, _Known] = {}
        self._replaced = set[str]()
        self._sealed, self._compacted = time.monotonic(), _size(self.path)

    @property
    def exists(self) -> bool:
        """Whether the run has a manifest; runs of earlier versions have none."""
        return self.path.is_file()

    def begin(self) -> None:
        """Start over, listing the existing files."""
        self._listed = Listed()
        self._write_whole(complete=False)

    def seal(self, *, now: bool = True) -> None:
        """Add new and changed files; with ``now=False`` at most once per second."""
        if now or time.monotonic() - self._sealed >= EVERY:
            self._seal(self._names)
            self._sealed = time.monotonic()

    def _seal(self, names: Collection[str]) -> None:
        """Add new and changed files among the given files and folders."""
        files, listed = self._files(names), self._listed
        new = {name: entry for name, entry in files.items() if listed.files.get(name) != entry}
        gone = [name for name in listed.files if name not in files and any(is_in(name, each) for each in names)]
        loose = [name for name in listed.loose if name not in names]
        if new or gone or loose != listed.loose:
            for name in gone:
                del listed.files[name]
            listed.files |= new
            listed.loose = loose
            self._append({"files": new, "gone": gone})

    def close(self, *, complete: bool) -> None:
        """Write all existing files as one line; the files of a complete run no longer grow."""
        self._write_whole(complete=complete)

    def loosen(self, *names: str) -> None:
        """Declare that files or folders, all by default, are about to be replaced; the next seal lists them again."""
        self._listed = self._listed if self._listed.files else self._read()
        new = [name for name in names or self._names if self._is_listed(name) and name not in self._listed.loose]
        if new:
            self._listed.loose += new
            self._append({})

    @contextmanager
    def replacing(self, *names: str) -> Iterator[None]:
        """Declare files or folders loose while they are replaced in a block, and list them again afterwards.

        Does nothing inside a block for the same files.
        """
        if self._replaced.issuperset(names):
            yield
            return
        self.loosen(*names)
        self._replaced.update(names)
        try:
            yield
        finally:
            self._replaced.difference_update(names)
        self._seal(names)

    def check(self, under: Collection[str] = ()) -> list[Finding]:
        """Return the state of each listed file, and of each existing file that should be listed.

        Parameters
        ----------
        under : collection of str
            Check only the listed files among these files and folders.

        Raises
        ------
        CorruptFileError
            When the manifest itself is unreadable.
        """
        listed = self._read()
        if under:
            names = [name for name in listed.files if any(is_in(name, each) for each in under)]
        else:
            names = [*(listed.files.keys() | dict.fromkeys(self._paths(self._names)))]
        return [self._checked(name, listed) for name in sorted(names)]

    def unlisted(self) -> list[Finding]:
        """Return all existing files as unchecked, for when the manifest cannot be read."""
        return [self._finding(name, Listed()) for name in sorted(self._paths(self._names))]

    def _checked(self, name: str, listed: Listed) -> Finding:
        finding = self._finding(name, listed)
        if finding.state not in WRONG:
            return finding
        again = self._read()  # the writer may have continued in the meantime
        return finding if again == listed else self._finding(name, again)

    def _finding(self, name: str, listed: Listed) -> Finding:
        path = self._folder / name
        if name not in listed.files:
            reason = "was written after the manifest" if listed.files else "the run has no manifest"
            return Finding(name, UNCHECKED, _size(path), reason)
        size, sha256 = listed.files[name]
        if listed.is_loose(name):
            return Finding(name, UNCHECKED, _size(path), "was being replaced when the run was stopped")
        if not path.is_file():
            completed = self._folder / name.replace("open-", "updates-").replace(".bin", ".npz")
            is_completed = "open-" in name and completed.is_file()  # a chunk completed in the meantime
            return Finding(name, WHOLE if is_completed else MISSING, 0, "" if is_completed else "is missing")
        there = _size(path)
        if there < size:
            return Finding(name, CUT, there, f"has {there:,} bytes instead of {size:,}")
        grows = not listed.complete and self._grows(name)
        if (there > size and not grows) or self._entry(name, limit=size)[1] != sha256:
            return Finding(name, CHANGED, there, "has changed since it was written")
        return Finding(name, WHOLE, there)

    def _read(self) -> Listed:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Listed()
        except UnicodeDecodeError as error:
            raise CorruptFileError(
                f"{self.path} is not readable ({error}): inspect the run's files, then rebuild the manifest with "
                "'topolearn verify RUN --accept-changes'"
            ) from None
        return Listed(text, str(self.path))

    def _append(self, change: dict[str, Any]) -> None:
        change = {name: value for name, value in change.items() if value} | {"complete": self._listed.complete}
        if self._listed.loose:
            change["loose"] = self._listed.loose
        size = append_bytes(self.path, f"{json.dumps(change)}\n".encode())
        if size > self._compacted + LARGEST:
            self._write_whole(complete=self._listed.complete, loose=self._listed.loose)

    def _write_whole(self, *, complete: bool, loose: Collection[str] = ()) -> None:
        listed = self._listed
        if not loose:
            listed.files = self._files(self._names)
        listed.complete, listed.loose = complete, list(loose)
        whole = {"format": FORMAT, "complete": complete, "files": dict(sorted(listed.files.items()))}
        if loose:
            whole["loose"] = list(loose)
        line = f"{json.dumps(whole)}\n"
        with written_aside(self.path) as aside:
            aside.write_text(line, encoding="utf-8")
        self._compacted, self._sealed = len(line), time.monotonic()

    def _files(self, names: Collection[str]) -> dict[str, Entry]:
        return {name: self._entry(name) for name in self._paths(names)}

    def _paths(self, names: Collection[str]) -> Iterator[str]:
        """Yield the files to list, as paths within the run, without temporary files."""
        with os.scandir(self._folder) as entries:
            there = [(entry.name, entry.is_dir()) for entry in entries if entry.name in names]
        for name, is_folder in there:
            if not is_folder:
                yield name
                continue
            for folder, _, files in os.walk(self._folder / name):
                inside = Path(folder).relative_to(self._folder).as_posix()
                yield from (f"{inside}/{file}" for file in files if not file.startswith("."))

    def _is_listed(self, name: str) -> bool:
        return any(is_in(each, name) for each in self._listed.files)

    def _grows(self, name: str) -> bool:
        return name.startswith(self._growing) if self._growing else False

    def _entry(self, name: str, limit: int | None = None) -> Entry:
        """Return size and checksum of a file, or of its beginning; if the file has grown, only the rest is read."""
        path = self._folder / name
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            known, end = self._known.get(name), status.st_size if limit is None else limit
            is_same = known is not None and known.inode == status.st_ino
            if known is not None and is_same and (known.changed, known.size) == (status.st_mtime_ns, end):
                return known.entry
            may_go_on = known is not None and is_same and known.size <= end and self._grows(name)
            hasher, start = (known.hasher.copy(), known.size) if known and may_go_on else (hashlib.sha256(), 0)
            file.seek(start)
            while start < end and (block := file.read(min(BLOCK, end - start))):
                hasher.update(block)
                start += len(block)
        entry = (start, hasher.hexdigest())
        self._known[name] = _Known(status.st_ino, status.st_mtime_ns, start, hasher, entry)
        return entry


class _Known(NamedTuple):
    """What is known of a file: its identity, when it last changed, and how far it was read."""

    inode: int
    changed: int
    size: int
    hasher: _Hash
    entry: Entry


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
