"""What a recorder watches: the topology of a scheduler, of several, or of a model that has none."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from torch import nn
from torch.utils.hooks import RemovableHandle

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution import TopologyScheduler, TopologyUpdate, linear_layers
from topolearn.generators import erdos_renyi
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup
from topolearn.sparse import SparseLinear, graphs_of, output_layers, shape_of, sparse_layers, topology_of

Topology = TopologyScheduler | Mapping[str, TopologyScheduler] | nn.Module
Listener = Callable[[TopologyUpdate], None]


class Watched(Protocol):
    """A topology that can be asked for its state, and may tell of its updates."""

    @property
    def models(self) -> list[nn.Module]:
        """The models."""

    @property
    def layers(self) -> list[str]:
        """Names of the sparse layers; none for a dense model."""

    @property
    def step(self) -> int | None:
        """Optimizer steps taken; None where nobody counts them."""

    @property
    def n_updates(self) -> int:
        """Topology updates made."""

    def network(self) -> LayeredNetwork:
        """Return the present topology; a dense model has all links."""

    def dense_sizes(self) -> dict[str, tuple[int, int]]:
        """Return outputs and inputs of the layers that could be sparse, of dense models."""

    def outputs(self) -> dict[str, tuple[int, int]]:
        """Return outputs and inputs of the layers that are taken as the outputs of the models, sparse or dense."""

    def inits(self) -> dict[str, str]:
        """Return how sparse layers got their first weights, where `topolearn.sparsify` gave them."""

    def itop_rate(self) -> dict[str, float]:
        """Return, for each sparse layer, the share of its cells that have been a link at any time."""

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return what makes it evolve, as plain values: for each scheduler, under its name."""

    def listen(self, listener: Listener) -> list[RemovableHandle]:
        """Let a function be told of each update."""


def to_watch(topology: Topology) -> Watched:
    """Return what a recorder watches.

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
            f"topology is a {type(topology).__name__}: give a TopologyScheduler, a dict of names to these, or a model"
        )
    if not topology:
        raise InvalidValueError("topology={} names no scheduler: give one or more, or the model")
    for name, each in topology.items():
        if not isinstance(name, str) or not name or not isinstance(each, TopologyScheduler):
            raise InvalidTypeError(
                f"topology[{name!r}] is a {type(each).__name__}: map a name to each TopologyScheduler"
            )
    if len(set(map(id, topology.values()))) < len(topology):
        raise InvalidValueError(f"topology={list(topology)} names one scheduler twice: name each once")
    scheduled = Scheduled(topology)
    for name, times in Counter(scheduled.layers).items():
        if times > 1:
            raise InvalidValueError(f"two layers are called {name!r}: choose other names than {list(topology)}")
    return scheduled


class Scheduled:
    """The topologies of one or several schedulers; the layers of a named one have its name in front.

    Its clock is that of the scheduler that has taken most steps.
    """

    def __init__(self, schedulers: Mapping[str, TopologyScheduler]) -> None:
        self._schedulers = dict(schedulers)

    @property
    def models(self) -> list[nn.Module]:
        """The models."""
        return [scheduler.model for scheduler in self._schedulers.values()]

    @property
    def layers(self) -> list[str]:
        """Names of the sparse layers; none where all methods are dense."""
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
        """Return the present topology of all."""
        graphs: dict[str, BipartiteGraph] = {}
        groups: list[NeuronGroup] = []
        for prefix, scheduler in self._schedulers.items():
            if not scheduler.layers and self.layers:  # a dense one beside others
                continue
            network = scheduler.network() if scheduler.layers else complete_network(scheduler.model)
            graphs |= {_prefixed(prefix, name): graph for name, graph in network.graphs.items()}
            for group in network.groups:
                writers, readers = (
                    tuple(_prefixed(prefix, name) for name in end) for end in (group.writers, group.readers)
                )
                groups.append(replace(group, writers=writers, readers=readers))
        return LayeredNetwork(graphs, groups)

    def dense_sizes(self) -> dict[str, tuple[int, int]]:
        """Return outputs and inputs of the layers that could be sparse, of dense models."""
        sizes = {prefix: dense_sizes(each.model) for prefix, each in self._schedulers.items() if not each.layers}
        return {_prefixed(prefix, name): size for prefix, named in sizes.items() for name, size in named.items()}

    def outputs(self) -> dict[str, tuple[int, int]]:
        """Return outputs and inputs of the layers that are taken as the outputs of the models, sparse or dense."""
        sizes = {prefix: output_sizes(each.model) for prefix, each in self._schedulers.items()}
        return {_prefixed(prefix, name): size for prefix, named in sizes.items() for name, size in named.items()}

    def inits(self) -> dict[str, str]:
        """Return how sparse layers got their first weights, where `topolearn.sparsify` gave them."""
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
        """Let a function be told of each update, with the names of layers and the step that a recorder uses."""

        def told(prefix: str) -> Callable[[TopologyScheduler, TopologyUpdate], None]:
            def hook(_: TopologyScheduler, update: TopologyUpdate) -> None:
                layers = {_prefixed(prefix, name): events for name, events in update.items()}
                listener(replace(update, step=self.step, index=self.n_updates, layers=layers))

            return hook

        return [each.register_update_hook(told(prefix)) for prefix, each in self._schedulers.items()]


class Still:
    """The topology of a model without a scheduler: static, or dense."""

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
        """None, as nobody counts steps."""
        return

    @property
    def n_updates(self) -> int:
        """None were made."""
        return 0

    def network(self) -> LayeredNetwork:
        """Return the topology; a dense model has all links."""
        return topology_of(self._model) if self.layers else complete_network(self._model)

    def dense_sizes(self) -> dict[str, tuple[int, int]]:
        """Return outputs and inputs of the layers that could be sparse, of a dense model."""
        return {} if self.layers else dense_sizes(self._model)

    def outputs(self) -> dict[str, tuple[int, int]]:
        """Return outputs and inputs of the layers that are taken as the outputs of the model, sparse or dense."""
        return output_sizes(self._model)

    def inits(self) -> dict[str, str]:
        """Return how sparse layers got their first weights, where `topolearn.sparsify` gave them."""
        return init_names(sparse_layers(self._model))

    def itop_rate(self) -> dict[str, float]:
        """Return the density of each sparse layer, whose links stay."""
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
        When there is no such layer.
    """
    layers = linear_layers(model)
    shapes = {name: shape_of(layer) for name, layer in layers.items()}
    graphs: dict[str, BipartiteGraph] = {name: erdos_renyi(n_in, n_out, 1.0) for name, (n_out, n_in) in shapes.items()}
    return LayeredNetwork(graphs)


def dense_sizes(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Return outputs and inputs of the linear layers that `topolearn.sparsify` would make sparse; none if it cannot."""
    try:
        layers = linear_layers(model)
    except InvalidValueError:
        return {}
    return {name: shape_of(layer) for name, layer in layers.items()}


def output_sizes(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Return outputs and inputs of the layers that are taken as the outputs of a model, by the names of its layers.

    Raises
    ------
    InvalidTypeError, UnknownNameError
        When the model declares outputs that are not linear layers.
    """
    layers = output_layers(model).items()
    return {getattr(layer, "layer_name", "") or name: shape_of(layer) for name, layer in layers}


def init_names(layers: Mapping[str, SparseLinear]) -> dict[str, str]:
    """Return how layers got their first weights, of those that `topolearn.sparsify` made."""
    return {name: layer.init_name for name, layer in layers.items() if layer.init_name is not None}


def _prefixed(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
