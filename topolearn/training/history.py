"""`History`: the links of a run at every update, as files that are complete or not there."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from topolearn.errors import CorruptFileError, InvalidValueError
from topolearn.evolution import EVENTS, LayerUpdate, TopologyUpdate
from topolearn.graph import BipartiteGraph
from topolearn.graph.files import written_aside

_INITIAL = "initial.npz"


class History:
    """The topology of a run: the initial graphs, and the link events of each update.

    Parameters
    ----------
    path : Path
        Directory of the files: ``initial.npz``, and ``update-N.npz`` for each update, with links as rows
        (input, output).

    Examples
    --------
    ``run.history.at(step)["hidden1"]`` is the graph of a layer after the updates up to a step,
    ``run.history.events("hidden1")`` a table of all links that came and went.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def layers(self) -> list[str]:
        """Names of the sparse layers; none for a dense network."""
        return list(self.initial)

    @property
    def initial(self) -> dict[str, BipartiteGraph]:
        """The graphs with which training began."""
        file = self.path / _INITIAL
        if not file.is_file():
            return {}
        arrays = _read(file)
        graphs = {}
        for i, name in enumerate(map(str, arrays["layers"])):
            n_out, n_in = map(int, arrays[f"shape/{i}"])
            graphs[name] = BipartiteGraph.from_edges(arrays[f"links/{i}"], n_in=n_in, n_out=n_out)
        return graphs

    @property
    def steps(self) -> list[int]:
        """Step 0 and the step of each update, in order."""
        return [0, *(int(_read(file)["step"]) for file in self._files())]

    @property
    def updates(self) -> pd.DataFrame:
        """A row for each update and layer: number of links of each event, overlap, and whether it is an ELM."""
        frames = [update.to_frame() for update in self]
        return (
            pd.concat(frames, ignore_index=True)
            if frames
            else pd.DataFrame(columns=["index", "step", "layer", *EVENTS, "overlap", "elm"])
        )

    def __iter__(self) -> Iterator[TopologyUpdate]:
        """Yield each update, in order."""
        for file in self._files():
            arrays = _read(file)
            if "theta" not in arrays:
                raise CorruptFileError(f"{file} has no 'theta': another version of topolearn wrote it; run it again")
            layers = {}
            for i, name in enumerate(map(str, arrays["layers"])):
                layers[name] = LayerUpdate(**{event: arrays[f"{event}/{i}"] for event in EVENTS})
            yield TopologyUpdate(int(arrays["step"]), int(arrays["index"]), layers, float(arrays["theta"]))

    def at(self, step: int) -> dict[str, BipartiteGraph]:
        """Return the graph of each layer after the updates up to and including a step.

        Raises
        ------
        InvalidValueError
            For a negative step.
        """
        if step < 0:
            raise InvalidValueError(f"step={step} must be at least 0")
        initial = self.initial
        cells = {name: graph.cells for name, graph in initial.items()}
        for update in self:
            if update.step > step:
                break
            cells = {name: _after(cells[name], update[name], initial[name].n_in) for name in cells}
        return {name: BipartiteGraph.from_cells(cells[name], g.n_in, g.n_out) for name, g in initial.items()}

    def events(self, layer: str) -> pd.DataFrame:
        """Return a row for each link event of a layer: index and step of the update, event, input, output.

        Raises
        ------
        InvalidValueError
            When the run has no such layer.
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
        """Store the graphs with which training begins."""
        arrays = {"layers": np.array(list(graphs))}
        for i, graph in enumerate(graphs.values()):
            arrays[f"links/{i}"] = graph.edges()
            arrays[f"shape/{i}"] = np.array([graph.n_out, graph.n_in])
        _write(self.path / _INITIAL, arrays)

    def write(self, update: TopologyUpdate) -> None:
        """Store one update."""
        arrays = {name: np.array(getattr(update, name)) for name in ("step", "index", "theta")}
        arrays["layers"] = np.array(list(update))
        for i, layer in enumerate(update.layers.values()):
            for event in EVENTS:
                arrays[f"{event}/{i}"] = getattr(layer, event)
        _write(self.path / f"update-{update.index:06d}.npz", arrays)

    def truncate(self, last: int) -> None:
        """Remove the updates after number ``last``, which a resumed training will make again."""
        for file in self._files():
            if int(file.stem.removeprefix("update-")) > last:
                file.unlink()

    def _files(self) -> list[Path]:
        return sorted(self.path.glob("update-*.npz"))


def _after(cells: np.ndarray, update: LayerUpdate, n_in: int) -> np.ndarray:
    for event in ("decayed", "removed", "percolated"):
        cells = np.setdiff1d(cells, getattr(update, event) @ [1, n_in], assume_unique=True)
    return np.union1d(cells, update.regrown @ [1, n_in])


def _read(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise CorruptFileError(f"{file} is not a readable part of a topology history: {error}") from None


def _write(file: Path, arrays: Mapping[str, np.ndarray]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(file) as aside, aside.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
