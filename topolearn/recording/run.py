"""`Run`: reads the directory in which a training was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from topolearn.errors import ChangedFileWarning, CorruptFileError, InvalidValueError, MissingFileError
from topolearn.graph import LayeredNetwork, NeuronGroup
from topolearn.recording.documents import read_document
from topolearn.recording.history import History
from topolearn.recording.integrity.listed import MANIFEST, WRONG
from topolearn.recording.plan import (
    ENVIRONMENT,
    RECORDING,
    SUMMARY,
    TOPOLOGY,
    is_run,
    manifest_of,
    should_have_manifest,
)
from topolearn.recording.run_topology import model_groups, network_of, recorded_groups
from topolearn.recording.settings import OF_A_LOOP, OF_A_TASK, read_config, read_task
from topolearn.recording.tables.checks import CURE, check_layers
from topolearn.recording.tables.growing import LAYERS, MEASURED, METRICS, NETWORKS, last_index, not_finite, read_table
from topolearn.recording.writing.measuring import NETWORK
from topolearn.showing import shown_by
from topolearn.task_registry import Task, imported
from topolearn.terminal import warn_user

if TYPE_CHECKING:
    import pandas as pd

    from topolearn.plotting.explorer import Explorer

BEST, LAST = "best", "last"  # the checkpoints that a task trainer keeps

# Columns of metrics.csv that replace network.csv in older runs, which do not have that file.
OF_THE_NETWORK = ("step", "n_links", "density", "active_neurons", "active_neurons_authors", "overlap")


class Run:
    """A run directory: configuration, tables, topology history and checkpoints.

    Parameters
    ----------
    path : path
        The directory.

    Raises
    ------
    MissingFileError
        When there is no run in that directory.

    Examples
    --------
    ``run = tl.Run("runs/name")``, then ``run.metrics``, ``run.layers``, ``run.history.at(0)["hidden1"]``.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not is_run(self.path):
            raise MissingFileError(
                f"there is no run in {self.path}: a run is a directory with a config.toml or a recording.json"
            )
        self._manifest, self._warned = manifest_of(self.path), set[str]()

    def _check(self, *names: str) -> None:
        """Warn about files, or files in folders, that have changed since they were written."""
        try:
            if self._manifest.exists:
                wrong = {each.file: each.detail for each in self._manifest.check(names) if each.state in WRONG}
            else:
                wrong = {MANIFEST: "is missing"} if self._should_have_manifest else {}
        except CorruptFileError as error:
            wrong = {MANIFEST: str(error)}
        for file in wrong.keys() - self._warned:
            self._warned.add(file)
            warn_user(
                f"{self.path / file} {wrong[file]}: check the whole run with 'topolearn verify {self.path}'",
                ChangedFileWarning,
            )

    @cached_property
    def _should_have_manifest(self) -> bool:
        return should_have_manifest(self.path)

    @property
    def name(self) -> str:
        """Name of the directory."""
        return self.path.resolve().name

    @cached_property
    def task(self) -> Task | None:
        """The task, for runs of ``topolearn train``; None for custom loops."""
        self._check(OF_A_TASK)
        return read_task(self.path)

    @cached_property
    def config(self) -> Any:
        """The configuration: a `TrainConfig` with all defaults filled in, or the recorded mapping of a custom loop."""
        self._check(OF_A_TASK, OF_A_LOOP)
        return read_config(self.path)

    @property
    def metrics(self) -> pd.DataFrame:
        """One row per `Recorder.log` call: the step and the logged numbers."""
        return self._table(METRICS)

    @property
    def not_finite(self) -> dict[str, list[int]]:
        """For each metric with NaN or infinite values, the steps at which they were logged."""
        bad = not_finite(self.path / METRICS)
        if self.task is None:
            return bad
        names = {metric.name for metric in self.task.metrics}  # other columns of a trainer may have no value
        return {name: steps for name, steps in bad.items() if name in names}

    @property
    def layers(self) -> pd.DataFrame:
        """One row per update (0 is before training) and layer: links, events, overlap, ITOP, degrees."""
        table = self._table(LAYERS)
        return check_layers(self.path / LAYERS, table, self.history.layers) if len(table) else table

    @property
    def network(self) -> pd.DataFrame:
        """One row per update (0 is before training): links, density, active neurons, mean overlap."""
        is_earlier = not (self.path / RECORDING).is_file() and (self.path / METRICS).is_file()
        if (self.path / NETWORKS).is_file() or not is_earlier:
            return self._whole(self._table(NETWORKS))
        return self.metrics.reindex(columns=list(OF_THE_NETWORK))

    @property
    def measures(self) -> pd.DataFrame:
        """Topology measures, one row per measurement and layer; the layer "(network)" is the whole network."""
        table = self._table(MEASURED, key="index")
        return check_layers(self.path / MEASURED, table, self.history.layers, (NETWORK,)) if len(table) else table

    @property
    def history(self) -> History:
        """The links of each layer at every update."""
        self._check(TOPOLOGY)
        return History(self.path / TOPOLOGY, n_recorded=lambda: last_index(self.path / NETWORKS))

    @cached_property
    def schedulers(self) -> dict[str, dict[str, Any]]:
        """The settings of each topology scheduler, by its name: method, title, theta, interval, ..."""
        self._check(RECORDING)
        if (self.path / RECORDING).is_file():
            return dict(read_document(self.path / RECORDING)["topology"])
        if self.task is None:
            return {}
        method = self.config.build_method()
        return {"": {"method": method.name, "title": method.title, "theta": method.theta, "density": method.density}}

    @cached_property
    def outputs(self) -> dict[str, tuple[int, int]]:
        """Numbers of outputs and inputs of the model's output layers, sparse or dense, by name.

        Empty for runs of earlier versions, which did not record them.
        """
        recorded = read_document(self.path / RECORDING) if (self.path / RECORDING).is_file() else {}
        return {name: (n_out, n_in) for name, (n_out, n_in) in recorded.get("outputs", {}).items()}

    @cached_property
    def inits(self) -> dict[str, str]:
        """How the weights of each sparse layer were initialized, such as "he" or "keep".

        Empty for runs of earlier versions, which did not record it.
        """
        recorded = read_document(self.path / RECORDING) if (self.path / RECORDING).is_file() else {}
        return dict(recorded.get("inits", {}))

    @cached_property
    def groups(self) -> tuple[NeuronGroup, ...] | None:
        """How the neurons of the layers meet; None if neither the run nor a checkpoint of it says so."""
        groups = recorded_groups(self.path)
        return model_groups(self) if groups is None else groups

    def topology_at(self, step: int | None = None) -> LayeredNetwork:
        """Return the topology after a step, by default the last one: the graph of each layer, and how they meet.

        Raises
        ------
        InvalidValueError
            When the run is dense, or kept no links.
        """
        return network_of(self, step)

    @property
    def title(self) -> str:
        """The method's name as written in its paper; with several schedulers, all methods."""
        titles = dict.fromkeys(str(each["title"]) for each in self.schedulers.values())
        return ", ".join(titles) or ("Static" if self.history.layers else "Dense")

    @property
    def theta(self) -> float | None:
        """Overlap at or above which a layer is in a local minimum; None without an evolving topology."""
        return min((float(each["theta"]) for each in self.schedulers.values()), default=None)

    @property
    def summary(self) -> dict[str, Any]:
        """Links, active neurons, updates, seconds, whether the run is complete, and the scores or custom values.

        Raises
        ------
        MissingFileError, CorruptFileError
            When nothing has been recorded yet, or the file is damaged.
        """
        self._check(SUMMARY)
        if (self.path / SUMMARY).is_file():
            return read_document(self.path / SUMMARY)
        network = self.network
        if self.task is not None or network.empty:
            raise MissingFileError(f"{self.path / SUMMARY} is missing: let the run continue, or resume it")
        last = network.to_dict("records")[-1]
        steps = [int(table["step"].max()) for table in (network, self.metrics) if len(table)]
        state = {name: last[name] for name in ("n_links", "density", "active_neurons")}
        return {"n_steps": max(steps), "n_updates": last["index"], **state, "seconds": float("nan"), "complete": False}

    @property
    def is_complete(self) -> bool:
        """Whether the training reached its end."""
        self._check(SUMMARY)
        return (self.path / SUMMARY).is_file() and bool(self.summary["complete"])

    @property
    def environment(self) -> dict[str, str]:
        """Versions, device, and numbers of threads and processes of the training."""
        self._check(ENVIRONMENT)
        try:
            return read_document(self.path / ENVIRONMENT)
        except MissingFileError:
            raise MissingFileError(
                f"{self.path / ENVIRONMENT} is missing: let the run continue, or resume it"
            ) from None

    def load_model(self, which: str = "best") -> nn.Module:
        """Return the trained model, with its sparse layers, on the CPU.

        Parameters
        ----------
        which : {"best", "last"}
            The checkpoint with the best score on the test examples, or the last one.

        Raises
        ------
        InvalidValueError
            When ``which`` is invalid, or the run is a custom loop, which keeps its own checkpoints.
        MissingFileError, CorruptFileError, CheckpointError
            When the checkpoint does not exist yet, or cannot be used.
        """
        if which not in (BEST, LAST):
            raise InvalidValueError(f"which={which!r} must be 'best' or 'last'")
        if self.task is None:
            raise InvalidValueError(
                f"{self.path} was recorded in a custom loop, which keeps its own checkpoints: load the model from those"
            )
        self._check("checkpoints")
        model: nn.Module = imported(self.task.load_model)(self.path, which)
        return model

    def report(self, *, compare: Run | Iterable[Run] = (), path: str | Path | None = None) -> Path:
        """Write ``report.html``, one page with all pictures and tables, and return its path.

        Parameters
        ----------
        compare : Run or iterable of Run
            Runs to compare it with.
        path : path, optional
            Where to write the file; by default in the run directory.

        Raises
        ------
        InvalidValueError
            When a run has nothing to show yet.
        """
        from topolearn.recording.report import write_report  # matplotlib is loaded by the first picture

        return write_report(self, compare=compare, path=path)

    def explore(self, path: str | Path | None = None, *, layers: str | Sequence[str] | None = None) -> Explorer:
        """Return an interactive page that shows the layers link by link, from update to update.

        Parameters
        ----------
        path : path, optional
            An HTML file to write the page to.
        layers : str or sequence of str, optional
            Names of the layers to show; all by default.

        Returns
        -------
        Explorer
            Notebooks display it; ``save(path)`` writes it to a file. The page is self-contained and loads nothing.

        Raises
        ------
        InvalidValueError, UnknownNameError
            When the run kept no links, has more links than can be drawn, or has no layer of a given name.
        """
        from topolearn.recording.explorer import explore_run  # as for the report

        page = explore_run(self, layers=layers)
        if path is not None:
            page.save(path)
        return page

    _repr_html_ = shown_by("topolearn.plotting.cards:run_card")

    def __repr__(self) -> str:
        if self.task is None:
            return f"Run({str(self.path)!r}: {self.title}, {len(self.metrics)} rows of metrics)"
        n = self.task.progress(self.metrics)
        clock = self.task.clock if n == 1 else f"{self.task.clock}s"
        return f"Run({str(self.path)!r}: {self.config.method} on {self.config.dataset}, {n} {clock})"

    def _table(self, name: str, key: str = "step") -> pd.DataFrame:
        self._check(name)
        is_due = name == NETWORKS or (name == LAYERS and self.history.layers)
        if is_due and (self.path / RECORDING).is_file() and not (self.path / name).is_file():
            raise CorruptFileError(f"{self.path / name} is missing, although the run was started: {CURE}")
        return read_table(self.path / name, key=key)

    def _whole(self, network: pd.DataFrame) -> pd.DataFrame:
        """Return the network table, or raise if the run is complete and the table has another number of updates."""
        n_updates = self.summary["n_updates"] if self.is_complete else None
        if n_updates is not None and len(network) != n_updates + 1:
            raise CorruptFileError(
                f"{self.path / NETWORKS} has {len(network)} rows, but {SUMMARY} counts {n_updates} updates: {CURE}"
            )
        return network
