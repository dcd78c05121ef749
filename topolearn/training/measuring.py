"""Measures of a run's topology, taken while it trains: a row for each layer, and one for the whole network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from topolearn.diagnostics import MEASURES, GraphLike, Measure, take_measures
from topolearn.errors import CorruptFileError, InvalidValueError
from topolearn.files import written_aside
from topolearn.graph import LayeredNetwork
from topolearn.training.tables import read_table

MEASURED = "measures.csv"
NETWORK = "(network)"  # in the column `layer`
PLACE = ("index", "step", "layer")
DEFAULT = ("closure", "path_length", "gamma", "fan_in_gini", "fan_out_gini", "credit_paths", "hub_share")
Row = dict[str, Any]


def check_measures(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of measures, each once; the word "none" is no measure.

    Raises
    ------
    UnknownNameError, InvalidValueError
        For a name that is no measure, or that of one for one-mode graphs.
    """
    names = [] if list(names) == ["none"] else list(dict.fromkeys(names))
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
    """

    def __init__(self, path: Path, names: Sequence[str], every: int) -> None:
        self.path, self.every = path / MEASURED, every
        chosen = [MEASURES[name] for name in names]
        self._of_layers = [measure for measure in chosen if measure.of != "network"]
        self._of_network = [measure for measure in chosen if measure.of == "network"]
        self.latest: dict[str, Row] = {}  # of each layer, and of the network
        self._rows: list[Row] = []

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
        for layer, values in self.latest.items():
            self._rows.append({"index": index, "step": step, "layer": layer, **values})
        return {f"{layer}/{name}": value for layer, values in self.latest.items() for name, value in values.items()}

    def resume(self, last: int) -> None:
        """Take up what was measured up to an update, as text, so that it is written again just as it was."""
        if not self.is_on:
            return
        table = read_table(self.path, key="index", dtype=str, keep_default_na=False)
        table = table[table["index"].astype(int) <= last]
        if table.empty:
            raise CorruptFileError(f"{self.path} is missing, or has no row of the start: start the run again")
        self._rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
        newest = table["index"].iloc[-1]
        self.latest = {
            row["layer"]: {name: row[name] for name in row if name not in PLACE and row[name]}
            for row in self._rows
            if row["index"] == newest
        }
        self.write()

    def write(self) -> None:
        """Write the table, whole or not at all."""
        if self._rows:
            with written_aside(self.path) as aside:
                pd.DataFrame(self._rows).to_csv(aside, index=False)


def _taken(graph: GraphLike, measures: Sequence[Measure]) -> Row:
    """Return measures as plain floats, as tables have them."""
    return {name: float(value) for name, value in take_measures(graph, measures).items()}
