"""What a recorder watches: the topology of one or several schedulers, or of a model without a scheduler."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from torch import nn
from torch.utils.hooks import RemovableHandle

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution import TopologyScheduler, TopologyUpdate, linear_layers
from topolearn.generators import erdos_renyi
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup
from topolearn.sparse import SparseLinear, graphs_of, neuron_groups, output_layers, shape_of, sparse_layers, topology_of

Topology = TopologyScheduler | Mapping[str, TopologyScheduler] | nn.Module
Listener = Callable[[TopologyUpdate], None]


class Watched(Protocol):
    """A topology whose state can be queried, and which may report its updates."""

    @property
    def models(self) -> list[nn.Module]:
        """The models."""

    @property
    def layers(self) -> list[str]:
        """Names of the sparse layers; none for a dense model."""

    @property
    def step(self) -> int | None:
        """Optimizer steps taken; None if they are not counted."""

    @property
    def n_updates(self) -> int:
        """Topology updates made."""

    def network(self) -> LayeredNetwork:
        """Return the current topology; a dense model has all links."""

    def groups(self) -> list[NeuronGroup]:
        """Return the neuron groups between sparse layers."""

    def dense_sizes(self) -> dict[str, tuple[int, int]]:
        """Return (outputs, inputs) of the layers of dense models that could be sparse."""

    def outputs(self) -> dict[str, tuple[int, int]]:
        """Return (outputs, inputs) of the models' output layers, sparse or dense."""

    def inits(self) -> dict[str, str]:
        """Return how the weights of sparse layers were initialized, for those that `topolearn.sparsify` initialized."""

    def itop_rate(self) -> dict[str, float]:
        """Return, for each sparse layer, the share of its cells that have been a link at any time."""

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the settings of each scheduler as plain values, by its name."""

    def listen(self, listener: Listener) -> list[RemovableHandle]:
        """Call a function after each update."""


def to_watch(topology: Topology) -> Watched:
    """Return an argument ``topology`` as a watched topology.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not a scheduler, a mapping of names to schedulers, or a model.
    """
    if isinstance(topology, TopologyScheduler):
        return Scheduled({"": topology})
    if isinstance(topology, nn.Module):
        return Still(topology)
    if not isinstance(topology, Mapping):
        raise InvalidTypeError(
            f"topology is a {type(topology).__name__}: pass a TopologyScheduler, a dict of names to "
            "TopologySchedulers, or a model"
        )
    if not topology:
        raise InvalidValueError("topology={} has no scheduler: pass at least one, or the model")
    for name, each in topology.items():
        if not isinstance(name, str) or not name or not isinstance(each, TopologyScheduler):
            raise InvalidTypeError(
                f"topology[{name!r}] is a {type(each).__name__}: map non-empty names to TopologySchedulers"
            )
    if len(set(map(id, topology.values()))) < len(topology):
        raise InvalidValueError(f"topology={list(topology)} has the same scheduler twice: pass each scheduler once")
    scheduled = Scheduled(topology)
    for name, times in Counter(scheduled.layers).items():
        if times > 1:
            raise InvalidValueError(f"two layers are called {name!r}: choose other names than {list(topology)}")
    return scheduled


class Scheduled:
    """The topologies of one or several schedulers; a named scheduler prefixes its layers with its name.

    The step is that of the scheduler that has taken the most steps.
    """

    def __init__(self, schedulers: Mapping[str, TopologyScheduler]) -> None:
        self._schedulers = dict(schedulers)

    @property
    def models(self) -> list[nn.Module]:
        """The models."""
        return [scheduler.model for scheduler in self._schedulers.values()]

    @property
    def layers(self) -> list[str]:
        """Names of the sparse layers; empty if all methods are dense."""
        return [_prefixed(prefix, name) for prefix, each in self._schedulers.items() for name in each.layers]

    @property
    def step(self) -> int:
        """Optimizer steps taken."""
        return max(each.n_steps for each in self._schedulers.values())

    @property
    def n_updates(self) -> int:
        """Topology updates made by all schedulers."""
        return sum(each.n_updates for each in self._schedulers.values())

    def network(self) -> LayeredNetwork:
        """Return the current topology of all models together."""
        graphs: dict[str, BipartiteGraph] = {}
        groups: list[NeuronGroup] = []
        for prefix, scheduler in self._schedulers.items():
            if not scheduler.layers and self.layers:  # a dense model next to sparse ones
                continue
            network = scheduler.network() if scheduler.layers else complete_network(scheduler.model)
            graphs |= {_prefixed(prefix, name): graph for name, graph in network.graphs.items()}
            groups += _renamed(network.groups, prefix)
        return LayeredNetwork(graphs, groups)

    def groups(self) -> list[NeuronGroup]:
        """Return the neuron groups between sparse layers."""
        return [group for prefix, each in self._schedulers.items() for group in _renamed(each.groups, prefix)]

    def dense_sizes(self) -> dict[str, tuple[int, int]]:
        """Return (outputs, inputs) of the layers of dense models that could be sparse."""
        sizes = {prefix: dense_sizes(each.model) for prefix, each in self._schedulers.items() if not each.layers}
        return {_prefixed(prefix, name): size for prefix, named in sizes.items() for name, size in named.items()}

    def outputs(self) -> dict[str, tuple[int, int]]:
        """Return (outputs, inputs) of the models' output layers, sparse or dense."""
        sizes = {prefix: output_sizes(each.model) for prefix, each in self._schedulers.items()}
        return {_prefixed(prefix, name): size for prefix, named in sizes.items() for name, size in named.items()}

    def inits(self) -> dict[str, str]:
        """Return how the weights of sparse layers were initialized, for those that `topolearn.sparsify` initialized."""
        names = {prefix: init_names(each.layers) for prefix, each in self._schedulers.items()}
        return {_prefixed(prefix, name): init for prefix, named in names.items() for name, init in named.items()}

    def itop_rate(self) -> dict[str, float]:
        """Return, for each sparse layer, the share of its cells that have been a link at any time."""
        rates = {prefix: each.itop_rate() for prefix, each in self._schedulers.items()}
        return {_prefixed(prefix, name): rate for prefix, named in rates.items() for name, rate in named.items()}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return method, title, theta, length, interval and seed of each scheduler."""
        return {
            prefix: {
                "method": each.method.name,
                "title": each.method.title,
                "theta": each.method.theta,
                "density": each.method.density,
                "total_steps": each.total_steps,
                "interval": each.interval,
                "seed": each.seed,
            }
            for prefix, each in self._schedulers.items()
        }

    def listen(self, listener: Listener) -> list[RemovableHandle]:
        """Call a function after each update, with the layer names and the step that a recorder uses."""

        def forwarding(prefix: str) -> Callable[[TopologyScheduler, TopologyUpdate], None]:
            def hook(_: TopologyScheduler, update: TopologyUpdate) -> None:
                layers = {_prefixed(prefix, name): events for name, events in update.items()}
                listener(replace(update, step=self.step, index=self.n_updates, layers=layers))

            return hook

        return [each.register_update_hook(forwarding(prefix)) for prefix, each in self._schedulers.items()]


class Still:
    """The topology of a model without a scheduler: static or dense."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    @property
    def models(self) -> list[nn.Module]:
        """The model."""
        return [self._model]

    @property
    def layers(self) -> list[str]:
        """Names of the sparse layers; none for a dense model."""
        return list(sparse_layers(self._model))

    @property
    def step(self) -> None:
        """None, as steps are not counted."""
        return

    @property
    def n_updates(self) -> int:
        """Always 0."""
        return 0

    def network(self) -> LayeredNetwork:
        """Return the topology; a dense model has all links."""
        return topology_of(self._model) if self.layers else complete_network(self._model)

    def groups(self) -> list[NeuronGroup]:
        """Return the neuron groups between sparse layers."""
        return neuron_groups(self._model, sparse_layers(self._model))

    def dense_sizes(self) -> dict[str, tuple[int, int]]:
        """Return (outputs, inputs) of the layers that could be sparse, for a dense model."""
        return {} if self.layers else dense_sizes(self._model)

    def outputs(self) -> dict[str, tuple[int, int]]:
        """Return (outputs, inputs) of the model's output layers, sparse or dense."""
        return output_sizes(self._model)

    def inits(self) -> dict[str, str]:
        """Return how the weights of sparse layers were initialized, for those that `topolearn.sparsify` initialized."""
        return init_names(sparse_layers(self._model))

    def itop_rate(self) -> dict[str, float]:
        """Return the density of each sparse layer, as its links never change."""
        graphs = graphs_of(sparse_layers(self._model))
        return {name: graph.density for name, graph in graphs.items()}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return nothing, as there is no scheduler."""
        return {}

    def listen(self, listener: Listener) -> list[RemovableHandle]:
        """Do nothing, as there are no updates."""
        return []


def complete_network(model: nn.Module) -> LayeredNetwork:
    """Return the topology of a dense model: all links of the layers that could be sparse.

    Raises
    ------
    InvalidValueError
        When the model has no such layer.
    """
    layers = linear_layers(model)
    shapes = {name: shape_of(layer) for name, layer in layers.items()}
    graphs: dict[str, BipartiteGraph] = {name: erdos_renyi(n_in, n_out, 1.0) for name, (n_out, n_in) in shapes.items()}
    return LayeredNetwork(graphs, neuron_groups(model, layers))


def dense_sizes(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Return (outputs, inputs) of the linear layers that `topolearn.sparsify` would make sparse; empty if it cannot."""
    try:
        layers = linear_layers(model)
    except InvalidValueError:
        return {}
    return {name: shape_of(layer) for name, layer in layers.items()}


def output_sizes(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Return (outputs, inputs) of the output layers of a model, by name.

    Raises
    ------
    InvalidTypeError, UnknownNameError
        When the model declares outputs that are not linear layers.
    """
    layers = output_layers(model).items()
    return {getattr(layer, "layer_name", "") or name: shape_of(layer) for name, layer in layers}


def init_names(layers: Mapping[str, SparseLinear]) -> dict[str, str]:
    """Return how the weights of layers were initialized, for those that `topolearn.sparsify` created."""
    return {name: layer.init_name for name, layer in layers.items() if layer.init_name is not None}


def _renamed(groups: Sequence[NeuronGroup], prefix: str) -> list[NeuronGroup]:
    """Return groups whose layers have a prefix."""
    ends = [[tuple(_prefixed(prefix, name) for name in end) for end in (g.writers, g.readers)] for g in groups]
    return [
        replace(group, writers=writers, readers=readers) for group, (writers, readers) in zip(groups, ends, strict=True)
    ]


def _prefixed(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
