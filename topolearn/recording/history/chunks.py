"""The updates of a history in files: complete chunks, and an open one that is being written."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from topolearn.errors import CorruptFileError
from topolearn.evolution import EVENTS
from topolearn.graph.stored_arrays import Shapes
from topolearn.read_errors import reading
from topolearn.recording.history.checks import OF_EVENTS, OF_LAYERS, OF_UPDATES, STEPS, check_updates
from topolearn.recording.history.columns import CURE, WHAT, Columns, read_columns, write_columns
from topolearn.recording.history.open_chunk import OpenChunk

CHUNK, OPEN, SINGLE = "updates-*.npz", "open-*.bin", "update-*.npz"
MOST_UPDATES = 128  # in a chunk
MOST_BYTES = 2**23  # of an open chunk
LEVEL = 4  # of zlib: files are as small as at level 6, in two thirds of the time
ALWAYS = ("index", "step")  # read from every file
CONCERNED = ("n_layers", "layer")  # missing from files of earlier versions
NEEDED = (*ALWAYS, "theta", "overlap", "count")
OF_LINKS = ("first", STEPS)  # present if links are kept


class _Reached(NamedTuple):
    """The last update that was read, and its step."""

    number: int = 0
    step: int = 0


class Chunks:
    """The columns of all updates, in order.

    Updates are appended to an open chunk, whose file keeps all of them if the process is killed. When it is large
    enough, it is written as a compressed chunk, and removed once that is complete. Earlier versions wrote one file per
    update.

    Parameters
    ----------
    path : Path
        Directory of the files.
    n_cells : sequence of int
        Possible links of each layer of the history. An update without a list of layers concerns all of them.
    has_links : bool
        Whether links are kept, rather than only their numbers.
    n_recorded : callable
        Returns the minimum number of updates, as known from other files.
    """

    def __init__(self, path: Path, n_cells: Sequence[int], *, has_links: bool, n_recorded: Callable[[], int]) -> None:
        self.path, self._has_links, self._n_recorded = path, has_links, n_recorded
        self._n_cells = np.array(n_cells, dtype=np.int64)
        self._open: OpenChunk | None = None
        self._n_open = 0

    def append(self, index: int, columns: Columns) -> None:
        """Add an update to the open chunk, and complete the chunk if it is large enough."""
        if self._open is None:
            self.complete()  # a chunk that a killed process left open
            self._open = OpenChunk(self.path / f"open-{index:06d}.bin")
        size = self._open.append(columns)
        self._n_open += 1
        if self._n_open >= MOST_UPDATES or size >= MOST_BYTES:
            self.complete()

    def complete(self) -> None:
        """Write all updates that are not yet in a complete chunk as one."""
        left = [columns for _, columns in self._incomplete(self._last_in_chunks())]
        if left:
            write_columns(self.path / f"updates-{int(left[0]['index'][0]):06d}.npz", joined(left), level=LEVEL)
        for file in (*self._sorted(OPEN), *self._sorted(SINGLE)):
            file.unlink()
        self._open, self._n_open = None, 0

    def read(self, names: Collection[str], after: int = 0) -> Iterator[Columns]:
        """Yield columns of the updates after number ``after``, one file at a time.

        Raises
        ------
        CorruptFileError
            When a file is cut off, altered, lacks a column, or does not follow the one before it.
        """
        least = self._n_recorded()  # before files are listed, as the writer may continue in the meantime
        complete, n_known, in_chunks = self._sorted(CHUNK), 0, _Reached()
        while True:
            for file in complete[n_known:]:
                columns = self._columns(file, names)
                in_chunks = _following(file, columns, in_chunks)
                yield from _later(columns, after)
                after = max(after, in_chunks.number)
            reached, problem = in_chunks, None
            try:
                for file, columns in self._incomplete(in_chunks.number, names):
                    reached = _following(file, columns, reached)
                    yield from _later(columns, after)
                    after = max(after, reached.number)
            except (FileNotFoundError, CorruptFileError) as error:  # it may have been completed since it was listed
                problem = error
            n_known, complete = len(complete), self._sorted(CHUNK)
            if len(complete) == n_known:  # otherwise the writer has completed more chunks: read those too
                break
        if isinstance(problem, CorruptFileError):
            raise problem
        if reached.number < least:
            raise CorruptFileError(
                f"{self.path} ends with update {reached.number}, but the tables of the run reach update {least}: its "
                f"last files are missing or cut off; {CURE}"
            )

    def truncate(self, last: int) -> None:
        """Remove the updates after number ``last``, latest first, so that the files are consistent at any time."""
        self._open, self._n_open = None, 0
        for file in self._sorted(OPEN):
            OpenChunk(file).keep(last)
        for file in reversed([*self._sorted(CHUNK), *self._sorted(SINGLE)]):
            if _number(file) > last:
                file.unlink()
        chunks = self._sorted(CHUNK)
        if chunks and last < self._last_in_chunks():
            columns = self._columns(chunks[-1])
            write_columns(chunks[-1], sliced(columns, 0, int(np.searchsorted(columns["index"], last, side="right"))))

    def file_of(self, index: int) -> Path:
        """Return the file that holds an update, for messages."""
        files = [file for pattern in (CHUNK, OPEN, SINGLE) for file in self._sorted(pattern) if _number(file) <= index]
        return max(files, key=_number, default=self.path)

    def _incomplete(self, last: int, names: Collection[str] | None = None) -> Iterator[tuple[Path, Columns]]:
        """Yield the updates after number ``last`` from files other than complete chunks.

        After a crash these files can hold earlier updates too, which are skipped.
        """
        for file in self._sorted(SINGLE):
            if _number(file) > last:
                yield file, self._columns(file, names)
        for file in self._sorted(OPEN):
            frames = OpenChunk(file).read()
            if frames:
                with reading(file, WHAT, CURE):
                    columns, shapes = _gathered(frames, _wanted(names))
                yield from ((file, later) for later in _later(self._checked(file, columns, shapes), last))

    def _columns(self, file: Path, names: Collection[str] | None = None) -> Columns:
        """Return some or all columns of a file."""
        return self._checked(file, *read_columns(file, _wanted(names)))

    def _checked(self, file: Path, columns: Columns, shapes: Shapes) -> Columns:
        """Return the columns of a file, with those of the layers added, after checking that all fit each other."""
        with reading(file, WHAT, CURE):
            for name in (*NEEDED, *(OF_LINKS if self._has_links else ())):
                if name not in shapes:
                    raise CorruptFileError(
                        f"{file} has no {name!r}: it was written by another version of topolearn; run the training "
                        "again"
                    )
            if STEPS in shapes and not self._has_links:
                raise ValueError("it has links, but the history keeps none")
            columns = {name: np.atleast_1d(column) for name, column in columns.items()}
            if "layer" not in columns:
                n_updates, n_layers = columns["index"].size, self._n_cells.size
                columns["n_layers"] = np.full(n_updates, n_layers)
                columns["layer"] = np.tile(np.arange(n_layers), n_updates)
            check_updates(columns, shapes, self._n_cells)
            if int(columns["index"][0]) != _number(file):
                raise ValueError(f"its name says update {_number(file)}, but it begins with {columns['index'][0]}")
        return columns

    def _last_in_chunks(self) -> int:
        """Return the number of the last update in a complete chunk, 0 if there is none."""
        chunks = self._sorted(CHUNK)
        return int(self._columns(chunks[-1], ())["index"][-1]) if chunks else 0

    def _sorted(self, pattern: str) -> list[Path]:
        return numbered(self.path, pattern)


def numbered(path: Path, pattern: str) -> list[Path]:
    """Return the files of a directory with a number after a hyphen, in numeric order; others do not belong to it."""
    return sorted((file for file in path.glob(pattern) if _word(file).isdecimal()), key=_number)


def joined(several: Sequence[Columns]) -> Columns:
    """Return the columns of several updates as those of one file.

    Raises
    ------
    CorruptFileError
        When they do not have the same columns.
    """
    if any(columns.keys() != several[0].keys() for columns in several):
        raise CorruptFileError(
            "the updates of the history have different columns: it was written by different versions of topolearn"
        )
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
    if STEPS in columns:
        n_steps = np.concatenate([[0], np.cumsum(np.maximum(columns["count"] - 1, 0))])
        places[STEPS] = slice(int(n_steps[of_events.start]), int(n_steps[of_events.stop]))
    return {name: column[places[name]] for name, column in columns.items()}


def _later(columns: Columns, after: int) -> Iterator[Columns]:
    """Yield the columns of the updates after number ``after``, if there are any."""
    first = int(np.searchsorted(columns["index"], after, side="right"))
    if first < len(columns["index"]):
        yield sliced(columns, first, None)


def _wanted(names: Collection[str] | None) -> Collection[str] | None:
    """Return the columns to read from a file when some are requested; None means all."""
    return None if names is None else {*ALWAYS, *CONCERNED, *names}


def _gathered(frames: Sequence[Columns], names: Collection[str] | None) -> tuple[Columns, Shapes]:
    """Return some columns of several updates as those of one file, and the shapes of all."""
    lengths = {name: [len(columns[name]) for columns in frames] for name in frames[0]}
    kept = [{name: each for name, each in columns.items() if names is None or name in names} for columns in frames]
    return joined(kept), {name: (sum(each),) for name, each in lengths.items()}


def _following(file: Path, columns: Columns, before: _Reached) -> _Reached:
    """Return how far a file goes, or raise if it does not start with the next update.

    Raises
    ------
    CorruptFileError
    """
    first, step = int(columns["index"][0]), int(columns["step"][0])
    if first > before.number + 1:
        missing = f"{before.number + 1}" + (f" to {first - 1}" if first > before.number + 2 else "")
        raise CorruptFileError(
            f"{file} begins with update {first}, but the file of update {missing} is missing: {CURE}"
        )
    if first <= before.number or step < before.step:
        raise CorruptFileError(
            f"{file} begins with update {first} at step {step}, which does not follow update {before.number} at step "
            f"{before.step}: {CURE}"
        )
    return _Reached(int(columns["index"][-1]), int(columns["step"][-1]))


def _number(file: Path) -> int:
    return int(_word(file))


def _word(file: Path) -> str:
    return file.stem.partition("-")[2]
