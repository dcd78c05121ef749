"""Measures of a run's topology, taken while it trains: a row for each layer, and one for the whole network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topolearn import defaults
from topolearn.checks import check_size
from topolearn.diagnostics import MEASURES, GraphLike, Measure, take_measures
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import LayeredNetwork
from topolearn.recording.manifest import Manifest
from topolearn.recording.tables import MEASURED, Table, read_table

NETWORK = "(network)"  # in the column `layer`
PLACE = ("index", "step", "layer")
DEFAULT = defaults.MEASURES
NO_MEASURES = "none"  # the word for an empty list of measures
Row = dict[str, Any]


def check_measures(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of measures, each once; the word "none" stands for no measures.

    Raises
    ------
    InvalidTypeError, UnknownNameError, InvalidValueError
        For an unknown name, or a measure of one-mode graphs.
    """
    if isinstance(names, str):
        raise InvalidTypeError(f"measures={names!r} must be a list of names: use [{names!r}]")
    names = [] if list(names) == [NO_MEASURES] else list(dict.fromkeys(names))
    for name in names:
        if MEASURES[name].of == "one-mode":
            raise InvalidValueError(f"measures={name!r} is one of graphs without sides, not of layers: leave it out")
    return tuple(names)


class Measuring:
    """Takes measures at the start and after every so many updates, and keeps them in ``measures.csv``.

    Parameters
    ----------
    path : Path
        Directory of the run.
    names : sequence of str
        Measures of layers, of the network, or of both, in which case each layer is measured.
    every : int
        Updates from one time to the next.
    manifest : Manifest, optional
        Of the run.
    """

    def __init__(self, path: Path, names: Sequence[str], every: int, manifest: Manifest | None = None) -> None:
        self.path, self.every = path, check_size("every", every)
        chosen = [MEASURES[name] for name in names]
        self._of_layers = [measure for measure in chosen if measure.of != "network"]
        self._of_network = [measure for measure in chosen if measure.of == "network"]
        self.manifest = manifest
        self._table = Table(path / MEASURED, manifest)
        self.latest: dict[str, Row] = {}  # of each layer, and of the network

    @property
    def is_on(self) -> bool:
        """Whether there is anything to measure."""
        return bool(self._of_layers or self._of_network)

    def is_due(self, index: int) -> bool:
        """Whether the topology is measured after an update."""
        return self.is_on and index % self.every == 0

    def take(self, index: int, step: int, network: LayeredNetwork) -> dict[str, float]:
        """Measure the topology after an update; return the values as ``layer/measure``."""
        self.latest = {name: _taken(network[name], self._of_layers) for name in network} if self._of_layers else {}
        if self._of_network:
            self.latest[NETWORK] = _taken(network, self._of_network)
        place = {"index": index, "step": step}
        self._table.append({**place, "layer": layer, **values} for layer, values in self.latest.items())
        return {f"{layer}/{name}": value for layer, values in self.latest.items() for name, value in values.items()}

    def resume(self) -> None:
        """Take up what was measured last."""
        read_table(self._table.path, key="index")  # which checks it
        rows = read_table(self._table.path, key="index", dtype=str, keep_default_na=False)
        self.latest = {
            row["layer"]: {str(name): float(value) for name, value in row.items() if name not in PLACE and value}
            for row in rows.to_dict("records")
            if row["index"] == rows["index"].iloc[-1]
        }


def _taken(graph: GraphLike, measures: Sequence[Measure]) -> Row:
    """Return measures as plain floats, as tables have them."""
    return {str(name): float(value) for name, value in take_measures(graph, measures).items()}
