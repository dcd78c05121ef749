"""The network that the layers of a run form: its neuron groups, as they were recorded or as its model has them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from topolearn.errors import InvalidValueError, MissingFileError, TopolearnError
from topolearn.graph import LayeredNetwork, NeuronGroup
from topolearn.read_errors import reading
from topolearn.recording.documents import CURE, read_document
from topolearn.recording.plan import RECORDING
from topolearn.sparse import topology_of

if TYPE_CHECKING:
    from topolearn.recording.run import Run


def recorded_groups(path: Path) -> tuple[NeuronGroup, ...] | None:
    """Return the groups in the ``recording.json`` of a run, or None if an earlier version wrote it.

    Raises
    ------
    CorruptFileError
        When they are not neuron groups.
    """
    file = path / RECORDING
    recorded = read_document(file).get("groups") if file.is_file() else None
    if recorded is None:
        return None
    with reading(file, f"a valid {RECORDING}", CURE):
        try:
            return tuple(NeuronGroup(**each) for each in recorded)
        except (TypeError, TopolearnError) as error:
            raise ValueError(f"groups: {error}") from error


def model_groups(run: Run) -> tuple[NeuronGroup, ...] | None:
    """Return the groups of the model in a run's last checkpoint, or None if there is none."""
    if run.task is None:
        return None
    try:
        return topology_of(run.load_model("last")).groups
    except MissingFileError:
        return None


def network_of(run: Run, step: int | None = None) -> LayeredNetwork:
    """Return the topology of a run after a step, by default the last one that it kept.

    Layers of custom loops that an earlier version recorded, without groups, form a chain if their sizes match.

    Raises
    ------
    InvalidValueError
        When the run is dense, or kept no links.
    """
    history = run.history
    if not history.layers:
        raise InvalidValueError(f"run {run.path} is dense: there is no topology to measure")
    graphs = history.at(history.steps[-1] if step is None else step)
    groups = run.groups
    if groups is None and not all(before.n_out == after.n_in for before, after in pairwise(graphs.values())):
        groups = ()
    return LayeredNetwork(graphs, groups)
