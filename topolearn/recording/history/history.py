"""`History`: the links of a run at every update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from topolearn.errors import CorruptFileError, InvalidTypeError, InvalidValueError
from topolearn.evolution import EVENTS, LayerUpdate, TopologyUpdate
from topolearn.graph import BipartiteGraph
from topolearn.read_errors import reading
from topolearn.recording.history.chunks import Chunks, numbered
from topolearn.recording.history.columns import CURE, WHAT, pack, unpack, write_columns
from topolearn.recording.history.head import Head, read_head, read_links
from topolearn.recording.history.replaying import after, check_sums

if TYPE_CHECKING:
    import pandas as pd

FULL, SNAPSHOTS, SUMMARY = KEPT = ("full", "snapshots", "summary")
_INITIAL = "initial.npz"
_SNAPSHOT = "snapshot-*.npz"


class History:
    """The topology of a run: the graphs at the start, and what each update did.

    Parameters
    ----------
    path : Path
        Directory of the files: ``initial.npz``, ``updates-N.npz`` for a chunk of updates from number N on,
        ``open-N.bin`` for the chunk that is being written, ``snapshot-STEP.npz``.
    kept : {"full", "snapshots", "summary"}
        How much a new history keeps; ignored for an existing one. ``full`` keeps the links removed and added at each
        update, so that the graphs of any step can be reconstructed. ``snapshots`` keeps the graphs at the start and
        whenever `snapshot` is called. ``summary`` keeps no links. All of them keep the number of links of each event
        of each update, and the overlap.
    n_recorded : callable, optional
        Returns the minimum number of updates, to detect missing files.

    Raises
    ------
    CorruptFileError
        When files that are read are cut off, altered, missing, or do not fit each other.

    Examples
    --------
    ``run.history.at(step)["hidden1"]`` is the graph of a layer after the updates up to a step;
    ``run.history.events("hidden1")`` is a table of all removed and added links.
    """

    def __init__(self, path: Path, *, kept: str = "full", n_recorded: Callable[[], int] = lambda: 0) -> None:
        self.path, self._kept, self._n_recorded = path, check_kept(kept), n_recorded

    @property
    def exists(self) -> bool:
        """Whether the history exists."""
        return (self.path / _INITIAL).is_file()

    @property
    def kept(self) -> str:
        """How much is kept: "full", "snapshots" or "summary"."""
        return self._head.kept

    @property
    def layers(self) -> list[str]:
        """Names of the sparse layers; empty for a dense network."""
        return list(self._head.shapes)

    @property
    def initial(self) -> dict[str, BipartiteGraph]:
        """The graphs at the start of training.

        Raises
        ------
        InvalidValueError
            When only a summary was kept.
        """
        if self.kept == SUMMARY and self.layers:
            raise self._lacking("the graphs at the start")
        return self._graphs(self.path / _INITIAL) if self.layers else {}

    @property
    def steps(self) -> list[int]:
        """The step of the start, which is 0 unless recording began later, and the step of each update, in order."""
        of_updates = [columns["step"].tolist() for columns in self._chunks.read(["step"])]
        return [self._head.step, *chain.from_iterable(of_updates)]

    @property
    def snapshots(self) -> list[int]:
        """The steps of the snapshots, in order, beginning with that of the start, unless only a summary was kept."""
        first = [self._head.step] if self.kept != SUMMARY else []
        return first + [_number(file) for file in self._snapshot_files()]

    @property
    def graph_steps(self) -> list[int]:
        """The steps at which graphs are available: those of all updates, those of the snapshots, or none."""
        return self.steps if self.kept == FULL else self.snapshots

    @property
    def updates(self) -> pd.DataFrame:
        """One row per update and layer: number of links of each event, overlap, and whether it is an ELM."""
        import pandas as pd

        names = np.array(self.layers, dtype=object)
        tables = []
        for columns in self._chunks.read(["step", "theta", "count", "overlap"]):
            of_layer = np.repeat(np.arange(len(columns["index"])), columns["n_layers"])
            counts = dict(zip(EVENTS, columns["count"].reshape(-1, len(EVENTS)).T, strict=True))
            table = {"index": columns["index"][of_layer], "step": columns["step"][of_layer]}
            table |= {"layer": names[columns["layer"]], **counts, "overlap": columns["overlap"]}
            tables.append(pd.DataFrame({**table, "elm": columns["overlap"] >= columns["theta"][of_layer]}))
        if not tables:
            return pd.DataFrame(columns=["index", "step", "layer", *EVENTS, "overlap", "elm"])
        of_all = pd.concat(tables, ignore_index=True)
        if self.kept != SUMMARY:
            self._check_sums(of_all)
        return of_all

    def __iter__(self) -> Iterator[TopologyUpdate]:
        """Yield each update, in order."""
        self._need_links("the links of updates")
        shapes = list(self._head.shapes.items())
        for columns in self._chunks.read(["step", "theta", "count", "first", "steps"]):
            concerned = [shapes[i] for i in columns["layer"]]
            with reading(self._chunks.file_of(int(columns["index"][0])), WHAT, CURE):
                lists = iter(unpack(columns, [shape for _, shape in concerned for _ in EVENTS]))
            layers = iter([(n, LayerUpdate(shape, {e: next(lists) for e in EVENTS})) for n, shape in concerned])
            numbers = (columns[name].tolist() for name in ("step", "index", "theta", "n_layers"))
            for step, index, theta, n_layers in zip(*numbers, strict=True):
                yield TopologyUpdate(step, index, dict(islice(layers, n_layers)), theta)

    def replay(self) -> Iterator[tuple[int, dict[str, BipartiteGraph]]]:
        """Yield each of `graph_steps` with its graphs, in one pass.

        Raises
        ------
        InvalidValueError
            When only a summary was kept.
        """
        if self.kept == SNAPSHOTS:
            yield from ((step, self._snapshot_at(step)) for step in self.snapshots)
            return
        graphs = self.initial
        yield self._head.step, graphs
        for update in self:
            try:
                graphs = graphs | {name: after(name, graphs[name], events) for name, events in update.items()}
            except ValueError as error:
                raise CorruptFileError(
                    f"{self._chunks.file_of(update.index)} does not fit the links before it: update {update.index} "
                    f"(step {update.step}): {error}; {CURE}"
                ) from None
            yield update.step, graphs

    def at(self, step: int) -> dict[str, BipartiteGraph]:
        """Return the graph of each layer after all updates up to and including a step.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When the step is not an integer, is before the start, or its graphs were not kept.
        """
        if isinstance(step, bool) or not isinstance(step, Integral):
            raise InvalidTypeError(f"step={step!r} must be an integer of at least {self._head.step}")
        if step < self._head.step:
            raise InvalidValueError(f"step={step} must be at least {self._head.step}")
        if self.kept != FULL and self.layers:
            return self._snapshot_at(step)
        graphs: dict[str, BipartiteGraph] = {}
        for reached, now in self.replay():
            if reached > step:
                break
            graphs = now
        return graphs

    def events(self, layer: str) -> pd.DataFrame:
        """Return a table of the link events of a layer: index and step of the update, event, input, output.

        Raises
        ------
        InvalidValueError
            When the run has no such layer, or its links were not kept.
        """
        import pandas as pd

        if layer not in self.layers:
            raise InvalidValueError(
                f"there is no sparse layer {layer!r}: the run has {', '.join(self.layers) or 'none'}"
            )
        rows = [
            pd.DataFrame(getattr(update[layer], event), columns=["input", "output"]).assign(
                index=update.index, step=update.step, event=event
            )
            for update in self
            if layer in update
            for event in EVENTS
        ]
        columns = ["index", "step", "event", "input", "output"]
        return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)

    def write_initial(self, graphs: Mapping[str, BipartiteGraph], step: int = 0) -> None:
        """Create the history with the graphs at the start of training."""
        shapes = np.array([graph.shape for graph in graphs.values()])
        head = {
            "layers": np.array(list(graphs)),
            "shapes": shapes,
            "kept": np.array(self._kept),
            "step": np.array(step),
        }
        links = _packed(graphs) if self._kept != SUMMARY else {}
        write_columns(self.path / _INITIAL, head | links)
        for name in ("_head", "_chunks"):
            self.__dict__.pop(name, None)

    def write(self, update: TopologyUpdate) -> None:
        """Store one update of some or all layers."""
        shapes, places = self._head.shapes, {name: i for i, name in enumerate(self.layers)}
        lists = [layer.cells[event] for layer in update.values() for event in EVENTS]
        columns = {name: np.array([getattr(update, name)]) for name in ("step", "index", "theta")}
        columns |= {"n_layers": np.array([len(update)]), "layer": np.array([places[name] for name in update])}
        columns["overlap"] = np.array(list(update.overlap.values()))
        if self.kept == FULL:
            columns |= pack(lists, [shapes[name] for name in update for _ in EVENTS])
        else:
            columns["count"] = np.array([len(cells) for cells in lists])
        self._chunks.append(update.index, columns)

    def snapshot(self, step: int, graphs: Mapping[str, BipartiteGraph]) -> None:
        """Store the graphs of a step, if the history keeps snapshots."""
        if self.kept == SNAPSHOTS:
            write_columns(self.path / f"snapshot-{step:09d}.npz", _packed(graphs), level=5)  # in half the time of 6

    def truncate(self, last: int) -> None:
        """Remove the updates after number ``last``, which a resumed training will repeat, and later snapshots."""
        later = next(self._chunks.read(["step"], after=last), None)
        if later is not None:
            for file in reversed(self._snapshot_files()):
                if _number(file) >= later["step"][0]:
                    file.unlink()
        self._chunks.truncate(last)

    def close(self) -> None:
        """Complete the chunk that is being written."""
        if self.layers:
            self._chunks.complete()

    @cached_property
    def _head(self) -> Head:
        if self.exists:
            return read_head(self.path / _INITIAL, KEPT)
        if self._n_recorded() or next(self.path.glob("*-*"), None):
            raise CorruptFileError(f"{self.path / _INITIAL} is missing, although there are updates: {CURE}")
        return Head(self._kept, {})

    @cached_property
    def _chunks(self) -> Chunks:
        has_links = self._head.kept == FULL
        return Chunks(self.path, self._n_cells, has_links=has_links, n_recorded=self._n_recorded)

    @property
    def _n_cells(self) -> list[int]:
        return [n_out * n_in for n_out, n_in in self._head.shapes.values()]

    def _check_sums(self, table: pd.DataFrame) -> None:
        """Raise if updates remove more links than a layer has, or add more than it has room for."""
        n_links = read_links(self.path / _INITIAL, self._n_cells, ["count"])["count"]
        sizes = zip(self.layers, n_links.tolist(), self._n_cells, strict=True)
        with reading(self.path, WHAT, CURE):
            for name, *of_layer in sizes:
                check_sums(name, table[table["layer"] == name], *of_layer)

    def _snapshot_at(self, step: int) -> dict[str, BipartiteGraph]:
        """Return the graphs of the last snapshot before a step, or raise if there were updates in between."""
        before = max((taken for taken in self.snapshots if taken <= step), default=None)
        if before is None or any(before < at <= step for at in self.steps):
            raise self._lacking(f"the graphs of step {step}")
        at_start = before == self._head.step
        return self._graphs(self.path / (_INITIAL if at_start else f"snapshot-{before:09d}.npz"))

    def _graphs(self, file: Path) -> dict[str, BipartiteGraph]:
        shapes = self._head.shapes
        columns = read_links(file, self._n_cells)
        with reading(file, WHAT, CURE):
            lists = unpack(columns, list(shapes.values()))
            return {
                name: BipartiteGraph.from_cells(cells, n_in, n_out)
                for (name, (n_out, n_in)), cells in zip(shapes.items(), lists, strict=True)
            }

    def _need_links(self, what: str) -> None:
        if self.kept != FULL and self.layers:
            raise self._lacking(what)

    def _lacking(self, what: str) -> InvalidValueError:
        kept = f"only the graphs of steps {', '.join(map(str, self.snapshots))}" if self.snapshots else "no graphs"
        return InvalidValueError(
            f"{self.path} was recorded with history={self.kept!r} and does not have {what} (it keeps {kept}): train "
            "with history='full'"
        )

    def _snapshot_files(self) -> list[Path]:
        return numbered(self.path, _SNAPSHOT)


def check_kept(kept: str) -> str:
    """Return ``kept`` if it is valid.

    Raises
    ------
    InvalidValueError
    """
    if kept not in KEPT:
        raise InvalidValueError(f"history={kept!r} must be one of {', '.join(map(repr, KEPT))}")
    return kept


def _number(file: Path) -> int:
    return int(file.stem.partition("-")[2])


def _packed(graphs: Mapping[str, BipartiteGraph]) -> dict[str, np.ndarray]:
    return pack([graph.cells for graph in graphs.values()], [graph.shape for graph in graphs.values()])
