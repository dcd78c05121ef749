"""`History`: the links of a run at every update."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from topolearn.errors import InvalidValueError
from topolearn.evolution import EVENTS, LayerUpdate, TopologyUpdate
from topolearn.graph import BipartiteGraph
from topolearn.training.history.parts import pack, read_part, unpack, write_part

KEPT = ("full", "snapshots", "summary")
_INITIAL = "initial.npz"
_UPDATE = "update-*.npz"
_SNAPSHOT = "snapshot-*.npz"


class History:
    """The topology of a run: the graphs at the start, and what each update did.

    Parameters
    ----------
    path : Path
        Directory of the files: ``initial.npz``, ``update-N.npz`` for each update, ``snapshot-STEP.npz``.
    kept : {"full", "snapshots", "summary"}
        For a history that is begun here; one that is there knows. ``full`` keeps the links that came and went at each
        update, so that the graphs of any step can be made again; ``snapshots`` keeps the graphs at the start and
        whenever `snapshot` is called; ``summary`` keeps no link. All keep how many links each event of each update
        had, and the overlap.

    Examples
    --------
    ``run.history.at(step)["hidden1"]`` is the graph of a layer after the updates up to a step,
    ``run.history.events("hidden1")`` a table of all links that came and went.
    """

    def __init__(self, path: Path, *, kept: str = "full") -> None:
        if kept not in KEPT:
            raise InvalidValueError(f"history={kept!r} must be one of {', '.join(map(repr, KEPT))}")
        self.path, self._kept = path, kept

    @property
    def kept(self) -> str:
        """What is kept: "full", "snapshots" or "summary"."""
        return self._head[0]

    @property
    def layers(self) -> list[str]:
        """Names of the sparse layers; none for a dense network."""
        return list(self._head[1])

    @property
    def initial(self) -> dict[str, BipartiteGraph]:
        """The graphs with which training began.

        Raises
        ------
        InvalidValueError
            When only a summary was kept.
        """
        if self.kept == "summary" and self.layers:
            raise self._lacking("the graphs at the start")
        return self._graphs(self.path / _INITIAL) if self.layers else {}

    @property
    def steps(self) -> list[int]:
        """Step 0 and the step of each update, in order."""
        return [0, *(int(read_part(file, ["step"])["step"]) for file in self._files(_UPDATE))]

    @property
    def snapshots(self) -> list[int]:
        """Steps of the snapshots, in order; that of the start is 0, where there is one."""
        first = [0] if self.kept != "summary" else []
        return first + [_number(file) for file in self._files(_SNAPSHOT)]

    @property
    def graph_steps(self) -> list[int]:
        """Steps from which on there is another graph, and it was kept: those of all updates, of snapshots, or none."""
        return self.steps if self.kept == "full" else self.snapshots

    @property
    def updates(self) -> pd.DataFrame:
        """A row for each update and layer: number of links of each event, overlap, and whether it is an ELM."""
        names = ("index", "step", "theta", "count", "overlap")
        rows: list[dict[str, object]] = []
        for file in self._files(_UPDATE):
            part = read_part(file, names)
            for name, counts, overlap in zip(
                self.layers, part["count"].reshape(-1, len(EVENTS)).tolist(), part["overlap"].tolist(), strict=True
            ):
                rows.append(
                    {"index": int(part["index"]), "step": int(part["step"]), "layer": name}
                    | dict(zip(EVENTS, counts, strict=True))
                    | {"overlap": overlap, "elm": overlap >= float(part["theta"])}
                )
        return pd.DataFrame(rows, columns=["index", "step", "layer", *EVENTS, "overlap", "elm"])

    def __iter__(self) -> Iterator[TopologyUpdate]:
        """Yield each update, in order."""
        self._need_links("the links of updates")
        shapes = self._head[1]
        of_lists = [shape for shape in shapes.values() for _ in EVENTS]
        for file in self._files(_UPDATE):
            part = read_part(file, ["step", "index", "theta", "count", "first", "steps"])
            lists = iter(unpack(part, of_lists))
            layers = {n: LayerUpdate(shape, {event: next(lists) for event in EVENTS}) for n, shape in shapes.items()}
            yield TopologyUpdate(int(part["step"]), int(part["index"]), layers, float(part["theta"]))

    def replay(self) -> Iterator[tuple[int, dict[str, BipartiteGraph]]]:
        """Yield each of `graph_steps` and its graphs, in one pass.

        Raises
        ------
        InvalidValueError
            When only a summary was kept.
        """
        if self.kept == "snapshots":
            yield from ((step, self._snapshot_at(step)) for step in self.snapshots)
            return
        graphs = self.initial
        yield 0, graphs
        for update in self:
            graphs = {name: _after(graph, update[name]) for name, graph in graphs.items()}
            yield update.step, graphs

    def at(self, step: int) -> dict[str, BipartiteGraph]:
        """Return the graph of each layer after the updates up to and including a step.

        Raises
        ------
        InvalidValueError
            For a negative step, or one whose graphs were not kept.
        """
        if step < 0:
            raise InvalidValueError(f"step={step} must be at least 0")
        if self.kept != "full" and self.layers:
            return self._snapshot_at(step)
        graphs: dict[str, BipartiteGraph] = {}
        for reached, now in self.replay():
            if reached > step:
                break
            graphs = now
        return graphs

    def events(self, layer: str) -> pd.DataFrame:
        """Return a row for each link event of a layer: index and step of the update, event, input, output.

        Raises
        ------
        InvalidValueError
            When the run has no such layer, or its links were not kept.
        """
        if layer not in self.layers:
            raise InvalidValueError(
                f"there is no sparse layer {layer!r}: the run has {', '.join(self.layers) or 'none'}"
            )
        rows = [
            pd.DataFrame(getattr(update[layer], event), columns=["input", "output"]).assign(
                index=update.index, step=update.step, event=event
            )
            for update in self
            for event in EVENTS
        ]
        columns = ["index", "step", "event", "input", "output"]
        return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)

    def write_initial(self, graphs: Mapping[str, BipartiteGraph]) -> None:
        """Begin the history with the graphs with which training begins."""
        shapes = np.array([graph.shape for graph in graphs.values()])
        head = {"layers": np.array(list(graphs)), "shapes": shapes, "kept": np.array(self._kept)}
        links = _packed(graphs) if self._kept != "summary" else {}
        write_part(self.path / _INITIAL, head | links)
        self.__dict__.pop("_head", None)

    def write(self, update: TopologyUpdate) -> None:
        """Store one update."""
        lists = [layer.cells[event] for layer in update.layers.values() for event in EVENTS]
        columns = {name: np.array(getattr(update, name)) for name in ("step", "index", "theta")}
        columns["overlap"] = np.array(list(update.overlap.values()))
        if self.kept == "full":
            columns |= pack(lists, [shape for shape in self._head[1].values() for _ in EVENTS])
        else:
            columns["count"] = np.array([len(cells) for cells in lists])
        write_part(self.path / f"update-{update.index:06d}.npz", columns)

    def snapshot(self, step: int, graphs: Mapping[str, BipartiteGraph]) -> None:
        """Store the graphs of a step, if snapshots are kept."""
        if self.kept == "snapshots":
            write_part(self.path / f"snapshot-{step:09d}.npz", _packed(graphs))

    def truncate(self, last: int) -> None:
        """Remove the updates after number ``last``, which a resumed training will make again, and later snapshots."""
        gone = [file for file in self._files(_UPDATE) if _number(file) > last]
        if gone:
            first = int(read_part(gone[0], ["step"])["step"])
            gone += [file for file in self._files(_SNAPSHOT) if _number(file) >= first]
        for file in reversed(gone):  # so that what is left is a history at any time
            file.unlink()

    @cached_property
    def _head(self) -> tuple[str, dict[str, tuple[int, int]]]:
        """What is kept, and the layers with their shapes (n_out, n_in)."""
        if not (self.path / _INITIAL).is_file():
            return self._kept, {}
        head = read_part(self.path / _INITIAL, ["kept", "layers", "shapes"])
        shapes = [(n_out, n_in) for n_out, n_in in head["shapes"].tolist()]
        return str(head["kept"]), dict(zip(map(str, head["layers"]), shapes, strict=True))

    def _snapshot_at(self, step: int) -> dict[str, BipartiteGraph]:
        """Return the graphs of the last snapshot, if no update lies between it and the step."""
        before = max((taken for taken in self.snapshots if taken <= step), default=None)
        if before is None or any(before < at <= step for at in self.steps):
            raise self._lacking(f"the graphs of step {step}")
        return self._graphs(self.path / (_INITIAL if before == 0 else f"snapshot-{before:09d}.npz"))

    def _graphs(self, file: Path) -> dict[str, BipartiteGraph]:
        shapes = self._head[1]
        lists = unpack(read_part(file, ["count", "first", "steps"]), list(shapes.values()))
        return {
            name: BipartiteGraph.from_cells(cells, n_in, n_out)
            for (name, (n_out, n_in)), cells in zip(shapes.items(), lists, strict=True)
        }

    def _need_links(self, what: str) -> None:
        if self.kept != "full" and self.layers:
            raise self._lacking(what)

    def _lacking(self, what: str) -> InvalidValueError:
        there = f"graphs are there of steps {', '.join(map(str, self.snapshots))}" if self.snapshots else "no graph is"
        return InvalidValueError(
            f"{self.path} was written with history={self.kept!r}, without {what} ({there}): train with history='full'"
        )

    def _files(self, pattern: str) -> list[Path]:
        return sorted(self.path.glob(pattern), key=_number)


def _number(file: Path) -> int:
    return int(file.stem.partition("-")[2])


def _packed(graphs: Mapping[str, BipartiteGraph]) -> dict[str, np.ndarray]:
    return pack([graph.cells for graph in graphs.values()], [graph.shape for graph in graphs.values()])


def _after(graph: BipartiteGraph, update: LayerUpdate) -> BipartiteGraph:
    """Return the graph that an update makes of another."""
    lost, grown = update.lost, update.cells["regrown"]
    if not lost.size and not grown.size:
        return graph
    cells = np.setdiff1d(graph.cells, lost, assume_unique=True)
    # Two sorted lists, nearly: a stable sort merges them, where a union would hash them all.
    return BipartiteGraph.from_cells(np.sort(np.concatenate((cells, grown)), kind="stable"), graph.n_in, graph.n_out)
