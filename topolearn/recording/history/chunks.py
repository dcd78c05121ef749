"""The updates of a history in files: in chunks that are complete, and one that is being written."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from topolearn.errors import CorruptFileError
from topolearn.evolution import EVENTS
from topolearn.recording.history.columns import Columns, names_of, read_columns, write_columns
from topolearn.recording.history.open_chunk import OpenChunk

CHUNK, OPEN, SINGLE = "updates-*.npz", "open-*.bin", "update-*.npz"
MOST_UPDATES = 128  # of a chunk
MOST_BYTES = 2**23  # of an open chunk
LEVEL = 4  # of zlib: the links of an update come out as small as by 6, in two thirds of the time
OF_UPDATES = ("step", "index", "theta", "n_layers")  # a number for each update
OF_LAYERS = ("layer", "overlap")  # a number for each update and layer that it concerns
OF_EVENTS = ("count", "first")  # a number for each of these and event
OPTIONAL = ("n_layers", "layer")


class Chunks:
    """The columns of all updates, in order.

    Updates are appended to an open chunk, whose file a kill leaves with all of them. When it is large enough, it is
    written as a compressed chunk, and removed once that is complete. Earlier versions wrote a file for each update.

    Parameters
    ----------
    path : Path
        Directory of the files.
    n_layers : int
        Layers of the history, all of which an update concerns that names none.
    """

    def __init__(self, path: Path, n_layers: int) -> None:
        self.path, self._n_layers = path, n_layers
        self._open: OpenChunk | None = None
        self._n_open = 0

    def append(self, index: int, columns: Columns) -> None:
        """Add an update to the open chunk, and complete it if it is large enough."""
        if self._open is None:
            self.complete()  # one that a killed process left open
            self._open = OpenChunk(self.path / f"open-{index:06d}.bin")
        size = self._open.append(columns)
        self._n_open += 1
        if self._n_open >= MOST_UPDATES or size >= MOST_BYTES:
            self.complete()

    def complete(self) -> None:
        """Write what is not in a complete chunk as one."""
        left = list(self._incomplete(self._last_in_chunks()))
        if left:
            write_columns(self.path / f"updates-{int(left[0]['index'][0]):06d}.npz", joined(left), level=LEVEL)
        for file in (*self._sorted(OPEN), *self._sorted(SINGLE)):
            file.unlink()
        self._open, self._n_open = None, 0

    def read(self, names: Sequence[str], after: int = 0) -> Iterator[Columns]:
        """Yield columns of the updates after a number, those of one file at a time.

        Raises
        ------
        CorruptFileError
            When a file is cut off, altered, or lacks a column.
        """
        complete, n_known, last = self._sorted(CHUNK), 0, 0
        while True:
            for file in complete[n_known:]:
                columns = self._columns(file, names)
                last = int(columns["index"][-1])
                yield from _later(columns, after)
                after = max(after, last)
            with suppress(FileNotFoundError):  # it was completed since it was listed, and is read below
                for columns in self._incomplete(last):
                    yield from _later(columns, after)
                    after = max(after, int(columns["index"][-1]))
            n_known, complete = len(complete), self._sorted(CHUNK)
            if len(complete) == n_known:  # else the writer went on meanwhile
                return

    def truncate(self, last: int) -> None:
        """Remove the updates after number ``last``, the latest first, so that what is left is whole at any time."""
        self._open, self._n_open = None, 0
        for file in self._sorted(OPEN):
            OpenChunk(file).keep(last)
        for file in reversed([*self._sorted(CHUNK), *self._sorted(SINGLE)]):
            if _number(file) > last:
                file.unlink()
        chunks = self._sorted(CHUNK)
        if chunks and last < self._last_in_chunks():
            columns = self._whole(chunks[-1])
            write_columns(chunks[-1], sliced(columns, 0, int(np.searchsorted(columns["index"], last, side="right"))))

    def _incomplete(self, last: int) -> Iterator[Columns]:
        """Yield the updates after number ``last``, which are in no complete chunk; a crash can leave others there."""
        for file in self._sorted(SINGLE):
            if _number(file) > last:
                yield self._whole(file)
        for file in self._sorted(OPEN):
            yield from (columns for columns in OpenChunk(file).read() if int(columns["index"][0]) > last)

    def _columns(self, file: Path, names: Sequence[str]) -> Columns:
        columns = read_columns(file, ["index", *names], OPTIONAL)
        columns = {name: np.atleast_1d(column) for name, column in columns.items()}
        if "layer" not in columns:
            n_updates = len(columns["index"])
            columns["n_layers"] = np.full(n_updates, self._n_layers)
            columns["layer"] = np.tile(np.arange(self._n_layers), n_updates)
        return columns

    def _whole(self, file: Path) -> Columns:
        """Return all columns of a file."""
        return self._columns(file, [name for name in names_of(file) if name not in ("index", *OPTIONAL)])

    def _last_in_chunks(self) -> int:
        """Return the number of the last update that is in a complete chunk; 0 without any."""
        chunks = self._sorted(CHUNK)
        return int(read_columns(chunks[-1], ["index"])["index"][-1]) if chunks else 0

    def _sorted(self, pattern: str) -> list[Path]:
        return sorted(self.path.glob(pattern), key=_number)


def joined(several: Sequence[Columns]) -> Columns:
    """Return the columns of several updates as those of one file.

    Raises
    ------
    CorruptFileError
        When they do not have the same columns.
    """
    if any(columns.keys() != several[0].keys() for columns in several):
        raise CorruptFileError("the updates of a history have different columns: another version of topolearn wrote it")
    return {name: np.concatenate([columns[name] for columns in several]) for name in several[0]}


def sliced(columns: Columns, first: int, stop: int | None) -> Columns:
    """Return the columns of some of the updates.

    Examples
    --------
    >>> columns = {"index": np.array([1, 2]), "n_layers": np.array([2, 1]), "layer": np.array([0, 1, 0])}
    >>> {name: column.tolist() for name, column in sliced(columns, 1, None).items()}
    {'index': [2], 'n_layers': [1], 'layer': [0]}
    """
    ends = np.concatenate([[0], np.cumsum(columns["n_layers"])])
    low, high = int(ends[first]), int(ends[-1] if stop is None else ends[stop])
    of_layers, of_events = slice(low, high), slice(len(EVENTS) * low, len(EVENTS) * high)
    places = {
        **dict.fromkeys(OF_UPDATES, slice(first, stop)),
        **dict.fromkeys(OF_LAYERS, of_layers),
        **dict.fromkeys(OF_EVENTS, of_events),
    }
    if "steps" in columns:  # one fewer than the links of an event that has any
        n_steps = np.concatenate([[0], np.cumsum(np.maximum(columns["count"] - 1, 0))])
        places["steps"] = slice(int(n_steps[of_events.start]), int(n_steps[of_events.stop]))
    return {name: column[places[name]] for name, column in columns.items()}


def _later(columns: Columns, after: int) -> Iterator[Columns]:
    """Yield the columns of the updates after a number, if there are any."""
    first = int(np.searchsorted(columns["index"], after, side="right"))
    if first < len(columns["index"]):
        yield sliced(columns, first, None)


def _number(file: Path) -> int:
    return int(file.stem.partition("-")[2])
