"""The recorder: tidy tables, the topology history and measures, written while a run goes on."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from topolearn.diagnostics import active_neuron_rate
from topolearn.errors import CorruptFileError
from topolearn.evolution import EVENTS, TopologyUpdate
from topolearn.files import written_aside
from topolearn.graph import LayeredNetwork
from topolearn.training.history import History
from topolearn.training.loggers import Logger, log_pictures
from topolearn.training.measuring import NETWORK, Measuring
from topolearn.training.tables import read_table

METRICS = "metrics.csv"
LAYERS = "layers.csv"


class Recorder:
    """Writes what happens: ``metrics.csv`` (a row an epoch), ``layers.csv`` (a row an epoch and layer), the history.

    Measures of the topology go to ``measures.csv``, a row each time and layer; the last ones stand in the other tables
    as well.

    Parameters
    ----------
    path : Path
        Directory of the run.
    network : LayeredNetwork
        The topology before training.
    history : History or None
        None for dense layers, which have none.
    measuring : Measuring
        The measures to take.
    loggers : sequence of Logger
        Who else is told.
    """

    def __init__(
        self,
        path: Path,
        network: LayeredNetwork,
        history: History | None,
        measuring: Measuring,
        loggers: Sequence[Logger] = (),
    ) -> None:
        self.path = path
        self.history, self.measuring, self.loggers = history, measuring, loggers
        self._metrics: list[dict[str, Any]] = []
        self._layers: list[dict[str, Any]] = []
        self._updates: list[TopologyUpdate] = []
        self._network = network

    def start(self) -> None:
        """Write the topology before training, as epoch 0."""
        if self.history is not None:
            self.history.write_initial(self._network.graphs)
            self._tell(self.measuring.take(0, 0, self._network), 0)
            log_pictures(self.loggers, self._network, 0)
        itop = {name: graph.density for name, graph in self._network.graphs.items()}
        self._layers = self._layer_rows(0, 0, self._network, itop)
        self._write_tables()

    def resume(self, epoch: int, n_updates: int) -> dict[str, Any]:
        """Take up the tables and the history as they were at the end of an epoch; return its row of ``metrics.csv``."""
        if self.history is not None:
            self.history.truncate(n_updates)
            self.measuring.resume(n_updates)
        self._metrics = _rows_up_to(self.path / METRICS, epoch)
        self._layers = _rows_up_to(self.path / LAYERS, epoch)
        self._write_tables()
        return {name: json.loads(value) if value else None for name, value in self._metrics[-1].items()}

    def update(self, update: TopologyUpdate, network: Callable[[], LayeredNetwork]) -> None:
        """Store one topology update, and measure the topology after it if it is its turn."""
        assert self.history is not None  # dense layers have no updates
        self.history.write(update)
        self._updates.append(update)
        if self.measuring.is_due(update.index):
            self._tell(self.measuring.take(update.index, update.step, network()), update.step)
        self._tell({f"{name}/overlap": value for name, value in update.overlap.items()}, update.step)

    def epoch(
        self, epoch: int, step: int, network: LayeredNetwork, itop: Mapping[str, float], metrics: dict[str, float]
    ) -> dict[str, Any]:
        """Store the end of an epoch, with the cells that each layer has explored; return its row of ``metrics.csv``."""
        overlaps = [value for update in self._updates for value in update.overlap.values()]
        row = {
            "epoch": epoch,
            "step": step,
            **{name: value for name, value in metrics.items() if name != "seconds"},
            "n_links": network.n_links,
            "density": network.density,
            "active_neurons": active_neuron_rate(network),
            "active_neurons_authors": active_neuron_rate(network, "authors"),
            "n_updates": len(self._updates),
            "overlap": float(np.mean(overlaps)) if overlaps else None,
        }
        measured = self.measuring.latest.get(NETWORK, {})
        row = {**row, **{name: value for name, value in measured.items() if name not in row}}
        row["seconds"] = metrics["seconds"]
        self._metrics.append(row)
        self._layers.extend(self._layer_rows(epoch, step, network, itop))
        self._updates = []
        if self.history is not None:
            self.history.snapshot(step, network.graphs)
        self._write_tables()
        self._tell({name: value for name, value in row.items() if name not in ("epoch", "step")}, step)
        return row

    def finish(self, step: int, network: LayeredNetwork) -> None:
        """Show the topology after training to the loggers."""
        if self.history is not None:
            log_pictures(self.loggers, network, step)

    def _layer_rows(
        self, epoch: int, step: int, network: LayeredNetwork, itop: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        rows = []
        for name, graph in network.graphs.items():
            events = {event: sum(len(u[name].cells[event]) for u in self._updates) for event in EVENTS}
            overlaps = [update[name].overlap for update in self._updates]
            rows.append(
                {
                    "epoch": epoch,
                    "step": step,
                    "layer": name,
                    "n_in": graph.n_in,
                    "n_out": graph.n_out,
                    "n_links": graph.n_links,
                    "density": graph.density,
                    **events,
                    "overlap": float(np.mean(overlaps)) if overlaps else None,
                    "elm": sum(update.elm[name] for update in self._updates),
                    "itop": itop[name],
                    "active_inputs": int((graph.fan_out > 0).sum()),
                    "active_outputs": int((graph.fan_in > 0).sum()),
                    **_degree_summary("fan_in", graph.fan_in),
                    **_degree_summary("fan_out", graph.fan_out),
                    **self.measuring.latest.get(name, {}),
                }
            )
        return rows

    def _tell(self, values: Mapping[str, Any], step: int) -> None:
        numbers = {name: float(value) for name, value in values.items() if value is not None}
        for logger in self.loggers if numbers else ():
            logger.log_metrics(numbers, step)

    def _write_tables(self) -> None:
        self.measuring.write()
        for name, rows in ((METRICS, self._metrics), (LAYERS, self._layers)):
            with written_aside(self.path / name) as aside:
                pd.DataFrame(rows).to_csv(aside, index=False)


def _degree_summary(name: str, degrees: np.ndarray) -> dict[str, float]:
    return {
        f"{name}_min": int(degrees.min()),
        f"{name}_mean": float(degrees.mean()),
        f"{name}_max": int(degrees.max()),
        f"{name}_std": float(degrees.std()),
    }


def _rows_up_to(file: Path, epoch: int) -> list[dict[str, Any]]:
    """Return the rows as text, so that they are written again just as they were."""
    rows = read_table(file, dtype=str, keep_default_na=False).to_dict("records")
    if str(epoch) not in [row["epoch"] for row in rows]:
        raise CorruptFileError(f"{file} has no row of epoch {epoch}, where the checkpoint stands: start the run again")
    return [{str(name): value for name, value in row.items()} for row in rows if int(row["epoch"]) <= epoch]
