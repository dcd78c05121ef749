"""Records the topology of a run, at the start and after each update: links, table rows and measures."""

from collections.abc import Sequence

from topolearn.errors import InvalidValueError
from topolearn.evolution import TopologyUpdate
from topolearn.generators import erdos_renyi
from topolearn.graph import LayeredNetwork
from topolearn.recording.history import SNAPSHOTS, History
from topolearn.recording.integrity.continuity import Continuity
from topolearn.recording.plan import Place
from topolearn.recording.tables.growing import LAYERS, NETWORKS, Table, read_table
from topolearn.recording.tables.rows import Row, layer_row, network_row
from topolearn.recording.writing.loggers import Logger, log_numbers, log_pictures, show_network
from topolearn.recording.writing.measuring import NETWORK, Measuring
from topolearn.recording.writing.watched import Watched


class TopologyLog:
    """Writes ``topology/``, ``layers.csv``, ``network.csv`` and ``measures.csv``.

    Parameters
    ----------
    watched : Watched
        The topology to record.
    history : History or None
        None for dense models.
    measuring : Measuring
        The measures to take.
    loggers : sequence of Logger
        Loggers that receive the topology as well.
    place : Place
        How far the recording has got.
    snapshot_every : int or None
        Number of updates between snapshots, for a history of snapshots; None takes none.
    """

    def __init__(
        self,
        watched: Watched,
        history: History | None,
        measuring: Measuring,
        loggers: Sequence[Logger],
        place: Place,
        snapshot_every: int | None,
    ) -> None:
        self.history, self.measuring, self.snapshot_every = history, measuring, snapshot_every
        self.n_updates = place.n_recorded
        self.state: Row = {}  # of the network, as in the last row of its table
        self._watched, self.loggers, self._first_update = watched, list(loggers), place.first_update
        self._layers, self._network = (Table(measuring.path / name, measuring.manifest) for name in (LAYERS, NETWORKS))
        self._continuity = Continuity()

    def start(self, step: int) -> None:
        """Write the topology before training, under index 0."""
        if not self._watched.layers:
            self._write_dense(step)
            return
        network = self._watched.network()
        if self.history is not None:
            self.history.write_initial(network.graphs, step)
        self._write_rows(0, step, network, None)
        self._continuity.begin(network)
        if self.measuring.is_on and self._watched.step is not None:
            self._take(step, network)
        log_pictures(self.loggers, network, step)
        self._log_network(step, network)

    def resume(self) -> None:
        """Continue from files that were cut at the current step."""
        last = read_table(self._network.path).to_dict("records")[-1]
        self.state = {str(name): value for name, value in last.items() if name not in ("index", "step")}
        self.measuring.resume()
        if self._watched.layers:
            self._continuity.begin(self._watched.network())

    def record(self, update: TopologyUpdate) -> None:
        """Write an update, and measure the topology after it if a measurement is due.

        Raises
        ------
        InvalidValueError
            When the update does not follow the last one, or does not lead to the model's current links.
        """
        index = update.index - self._first_update
        if index != self.n_updates + 1:
            raise InvalidValueError(
                f"update {index} does not follow update {self.n_updates}, the last one in {self.measuring.path}: a "
                "topology state was loaded during recording; load the state first, then continue with "
                "record(..., resume=True)"
            )
        network = self._watched.network()
        self._continuity.follow(update, network)
        self.n_updates = index
        if self.history is not None:
            self.history.write(TopologyUpdate(update.step, index, update.layers, update.theta))
            if self.snapshot_every and index % self.snapshot_every == 0:
                self.history.snapshot(update.step, network.graphs)
        self._write_rows(index, update.step, network, update)
        if self.measuring.is_due(index):
            self._take(update.step, network)
        log_numbers(self.loggers, {f"{name}/overlap": value for name, value in update.overlap.items()}, update.step)
        self._log_network(update.step, network)

    def measure(self, step: int) -> dict[str, float]:
        """Measure the current topology.

        Raises
        ------
        InvalidValueError
            When there is nothing to measure, or something other than recorded updates has changed the links.
        """
        if not self.measuring.is_on:
            raise InvalidValueError("there is nothing to measure: choose measures with record(..., measures=[...])")
        network = self._watched.network()
        self._continuity.check(network, self._watched.layers)
        return self._take(step, network)

    def snapshot(self, step: int) -> None:
        """Save the current graphs, if the history keeps snapshots."""
        if self.history is not None and self.history.kept == SNAPSHOTS:
            self.history.snapshot(step, self._watched.network().graphs)

    def finish(self, step: int) -> None:
        """Write what remains at the end."""
        if self.history is not None:
            if self.snapshot_every:
                self.snapshot(step)
            self.history.close()

    def greet(self, logger: Logger, step: int) -> None:
        """Send the current topology to a newly added logger."""
        log_numbers([logger], {f"{NETWORK}/{name}": value for name, value in self.state.items()}, step)
        if self._watched.layers:
            network = self._watched.network()
            show_network([logger], network, step)
            log_pictures([logger], network, step)

    def show(self, step: int) -> None:
        """Send pictures of the topology to the loggers."""
        if self.history is not None and self.loggers:
            log_pictures(self.loggers, self._watched.network(), step)

    def _log_network(self, step: int, network: LayeredNetwork) -> None:
        log_numbers(self.loggers, {f"{NETWORK}/{name}": value for name, value in self.state.items()}, step)
        show_network(self.loggers, network, step)

    def _take(self, step: int, network: LayeredNetwork) -> dict[str, float]:
        values = self.measuring.take(self.n_updates, step, network)
        log_numbers(self.loggers, values, step)
        return values

    def _write_rows(self, index: int, step: int, network: LayeredNetwork, update: TopologyUpdate | None) -> None:
        place, itop = {"index": index, "step": step}, self._watched.itop_rate()
        names, theta = (list(network), 1.0) if update is None else (list(update), update.theta)
        self._layers.append(
            {**place, "layer": name} | layer_row(network[name], update[name] if update else None, theta, itop[name])
            for name in names
        )
        self.state = network_row(network, update)
        self._network.append([place | self.state])

    def _write_dense(self, step: int) -> None:
        """Write the rows of dense layers, which have all links."""
        place, n_links = {"index": 0, "step": step}, 0
        for name, (n_out, n_in) in self._watched.dense_sizes().items():
            row = layer_row(erdos_renyi(n_in, n_out, 1.0), None, 1.0, 1.0)  # one at a time, as they are large
            self._layers.append([{**place, "layer": name} | row])
            n_links += n_in * n_out
        rates = dict.fromkeys(("density", "active_neurons", "active_neurons_authors"), 1.0)
        self.state = {"n_links": n_links, **rates, "overlap": None}
        self._network.append([place | self.state])
