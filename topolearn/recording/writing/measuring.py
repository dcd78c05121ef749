"""Measures of a run's topology during training: one row per layer, and one for the whole network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topolearn import defaults
from topolearn.checks import check_size
from topolearn.diagnostics import MEASURES, GraphLike, Measure, take_measures
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import LayeredNetwork
from topolearn.recording.integrity.manifest import Manifest
from topolearn.recording.tables.growing import MEASURED, Table, read_table

NETWORK = "(network)"  # in the column `layer`
PLACE = ("index", "step", "layer")
DEFAULT = defaults.MEASURES
NO_MEASURES = "none"  # the word for an empty list of measures
Row = dict[str, Any]


def check_measures(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of measures without duplicates; ``["none"]`` means no measures.

    Raises
    ------
    InvalidTypeError, UnknownNameError, InvalidValueError
        When ``names`` is a string, a name is unknown or that of a measure for one-mode graphs, or "none" is not alone.
    """
    if isinstance(names, str):
        raise InvalidTypeError(f"measures={names!r} must be a list of names: use [{names!r}]")
    if NO_MEASURES in names and len(names) > 1:
        raise InvalidValueError(f"measures={list(names)}: {NO_MEASURES!r} stands alone, for no measures")
    names = [] if list(names) == [NO_MEASURES] else list(dict.fromkeys(names))
    for name in names:
        if MEASURES[name].of == "one-mode":
            raise InvalidValueError(
                f"measures={name!r} is defined for one-mode graphs, not for bipartite layers: leave it out"
            )
    return tuple(names)


class Measuring:
    """Takes measures at the start and every ``every`` updates, and writes them to ``measures.csv``.

    Parameters
    ----------
    path : Path
        Directory of the run.
    names : sequence of str
        Measures of layers, of the network, or of either; the latter are taken for each layer.
    every : int
        Number of updates between measurements.
    manifest : Manifest, optional
        The manifest of the run.
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
        """Return whether the topology is measured after an update."""
        return self.is_on and index % self.every == 0

    def take(self, index: int, step: int, network: LayeredNetwork) -> dict[str, float]:
        """Measure the topology after an update, and return the values as ``layer/measure``."""
        self.latest = {name: _taken(network[name], self._of_layers) for name in network} if self._of_layers else {}
        if self._of_network:
            self.latest[NETWORK] = _taken(network, self._of_network)
        place = {"index": index, "step": step}
        self._table.append({**place, "layer": layer, **values} for layer, values in self.latest.items())
        return {f"{layer}/{name}": value for layer, values in self.latest.items() for name, value in values.items()}

    def resume(self) -> None:
        """Restore the latest measured values."""
        read_table(self._table.path, key="index")  # checks the table
        rows = read_table(self._table.path, key="index", dtype=str, keep_default_na=False)
        self.latest = {
            row["layer"]: {str(name): float(value) for name, value in row.items() if name not in PLACE and value}
            for row in rows.to_dict("records")
            if row["index"] == rows["index"].iloc[-1]
        }


def _taken(graph: GraphLike, measures: Sequence[Measure]) -> Row:
    """Return measures as plain floats."""
    return {str(name): float(value) for name, value in take_measures(graph, measures).items()}
