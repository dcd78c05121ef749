"""Active neurons: those that a signal can reach and leave (ANP)."""

import torch

from topolearn.diagnostics.reading import read_network
from topolearn.errors import InvalidValueError
from topolearn.graph import LayeredNetwork, active_neurons
from topolearn.registry import suggest

DEFINITIONS = ("hidden", "authors")


def active_neuron_rate(network: LayeredNetwork, definition: str = "hidden") -> float:
    """Return the share of neurons that are active.

    Parameters
    ----------
    network : LayeredNetwork
    definition : {"hidden", "authors"}
        ``hidden`` considers the neurons that layers write to. A neuron is active if it has a link in and, if another
        layer reads it, a link out. The neurons of a group count once; if their writers are multiplied, they need a
        link from each writer. No layer reads attention scores. ``authors`` counts, like the code of Zhang et al., the
        inputs of each layer with a link out and the outputs of the last layer with a link in.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `network` is not a network, or the definition is unknown.

    Examples
    --------
    >>> import numpy as np, topolearn as tl
    >>> first, second = np.array([[1, 0], [0, 1]]), np.array([[1, 0]])
    >>> network = tl.LayeredNetwork({"a": tl.BipartiteGraph(first), "b": tl.BipartiteGraph(second)})
    >>> active_neuron_rate(network), active_neuron_rate(network, "authors")
    (0.6666666666666666, 0.8)
    """
    network = read_network(network, "active_neuron_rate")
    if definition == "hidden":
        return _hidden(network)
    if definition == "authors":
        return _authors(network)
    raise InvalidValueError(f"definition={definition!r} is unknown: {suggest(str(definition), list(DEFINITIONS))}")


def _hidden(network: LayeredNetwork) -> float:
    fan_in = {name: torch.tensor(graph.fan_in) for name, graph in network.graphs.items()}
    fan_out = {name: torch.tensor(graph.fan_out) for name, graph in network.graphs.items()}
    active = [active_neurons(group, network.shapes, fan_in, fan_out) for group in network.groups]
    written = {name for group in network.groups for name in group.writers}
    active += [fan_in[name] > 0 for name in network if name not in written]
    return sum(int(population.sum()) for population in active) / sum(population.numel() for population in active)


def _authors(network: LayeredNetwork) -> float:
    graphs = list(network.graphs.values())
    n_active = sum(int((graph.fan_out > 0).sum()) for graph in graphs) + int((graphs[-1].fan_in > 0).sum())
    return n_active / (sum(graph.n_in for graph in graphs) + graphs[-1].n_out)
