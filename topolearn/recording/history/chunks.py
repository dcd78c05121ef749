"""The updates of a history in files: the last ones in a file each, all before in chunks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from topolearn.errors import CorruptFileError
from topolearn.evolution import EVENTS
from topolearn.recording.history.columns import Columns, read_columns, write_columns

LOOSE, CHUNK = "update-*.npz", "updates-*.npz"
MOST_UPDATES = 128  # of a chunk
MOST_BYTES = 2**23  # of the files that are joined into a chunk
OF_UPDATES = ("step", "index", "theta", "n_layers")  # a number for each update
OF_LAYERS = ("layer", "overlap")  # a number for each update and layer that it concerns
OF_EVENTS = ("count", "first")  # a number for each of these and event
OPTIONAL = ("n_layers", "layer")


class Chunks:
    """The columns of all updates, in order.

    A new update is a file of its own, so that a crash loses none that is complete. When many have gathered, they are
    joined into a chunk, and removed once that is written. Earlier versions wrote nothing but files of one update.

    Parameters
    ----------
    path : Path
        Directory of the files.
    n_layers : int
        Layers of the history, all of which an update concerns that names none.
    """

    def __init__(self, path: Path, n_layers: int) -> None:
        self.path, self._n_layers = path, n_layers
        self._n_loose = self._n_bytes = 0

    def append(self, index: int, columns: Columns) -> None:
        """Write an update, and join those that have gathered if they are many."""
        file = self.path / f"update-{index:06d}.npz"
        write_columns(file, columns, compressed=False)
        self._n_loose += 1
        self._n_bytes += file.stat().st_size
        if self._n_loose >= MOST_UPDATES or self._n_bytes >= MOST_BYTES:
            self.join()

    def join(self) -> None:
        """Join the files of one update into a chunk."""
        loose = [file for file in self._sorted(LOOSE) if _number(file) > self._last_in_chunks()]
        if loose:
            chunk = self.path / f"updates-{_number(loose[0]):06d}.npz"
            write_columns(chunk, joined([self._whole(file) for file in loose]))
        for file in self._sorted(LOOSE):
            file.unlink()
        self._n_loose = self._n_bytes = 0

    def read(self, names: Sequence[str], after: int = 0) -> Iterator[Columns]:
        """Yield columns of the updates after a number, those of one file at a time.

        Raises
        ------
        CorruptFileError
            When a file is cut off, altered, or lacks a column.
        """
        last = 0  # of those that are in chunks
        for file in [*self._sorted(CHUNK), *self._sorted(LOOSE)]:
            if not file.exists():  # it was joined into a chunk since the files were listed
                yield from self.read(names, after)
                return
            if file.match(LOOSE) and _number(file) <= last:  # left over from a crash
                continue
            columns = self._columns(file, names)
            if file.match(CHUNK):
                last = int(columns["index"][-1])
            first = int(np.searchsorted(columns["index"], after, side="right"))
            if first < len(columns["index"]):
                yield sliced(columns, first, None)
                after = int(columns["index"][-1])

    def truncate(self, last: int) -> None:
        """Remove the updates after number ``last``, the latest first, so that what is left is whole at any time."""
        for file in reversed([*self._sorted(CHUNK), *self._sorted(LOOSE)]):
            if _number(file) > last:
                file.unlink()
        chunks = self._sorted(CHUNK)
        if chunks and last < self._last_in_chunks():
            columns = self._whole(chunks[-1])
            write_columns(chunks[-1], sliced(columns, 0, int(np.searchsorted(columns["index"], last, side="right"))))

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
        with np.load(file, allow_pickle=False) as columns:
            names = [name for name in columns if name not in ("index", *OPTIONAL)]
        return self._columns(file, names)

    def _last_in_chunks(self) -> int:
        """Return the number of the last update that is in a chunk; 0 without any."""
        chunks = self._sorted(CHUNK)
        return int(read_columns(chunks[-1], ["index"])["index"][-1]) if chunks else 0

    def _sorted(self, pattern: str) -> list[Path]:
        return sorted(self.path.glob(pattern), key=_number)


def joined(several: Sequence[Columns]) -> Columns:
    """Return the columns of several files as those of one.

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


def _number(file: Path) -> int:
    return int(file.stem.partition("-")[2])
