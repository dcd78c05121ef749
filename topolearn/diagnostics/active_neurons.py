"""Active neurons: those that a signal can reach and leave (ANP)."""

from topolearn.errors import InvalidValueError
from topolearn.graph import LayeredNetwork
from topolearn.registry import suggest

DEFINITIONS = ("hidden", "authors")


def active_neuron_rate(network: LayeredNetwork, definition: str = "hidden") -> float:
    """Return the share of neurons that are active.

    Parameters
    ----------
    network : LayeredNetwork
    definition : {"hidden", "authors"}
        ``hidden`` counts, among the outputs of all layers, those with a link in and, where another layer reads them,
        a link out. ``authors`` counts, as the program of Zhang et al. does, the inputs of each layer with a link out
        and the outputs of the last layer with a link in.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InvalidValueError
        For an unknown definition.

    Examples
    --------
    >>> import numpy as np, topolearn as tl
    >>> first, second = np.array([[1, 0], [0, 1]]), np.array([[1, 0]])
    >>> network = tl.LayeredNetwork({"a": tl.BipartiteGraph(first), "b": tl.BipartiteGraph(second)})
    >>> active_neuron_rate(network), active_neuron_rate(network, "authors")
    (0.6666666666666666, 0.8)
    """
    if definition == "hidden":
        return _hidden(network)
    if definition == "authors":
        return _authors(network)
    raise InvalidValueError(f"definition={definition!r} is unknown: {suggest(definition, list(DEFINITIONS))}")


def _hidden(network: LayeredNetwork) -> float:
    read_by = {writer: group.readers for group in network.groups for writer in group.writers}
    n_active = n_neurons = 0
    for name, graph in network.graphs.items():
        active = graph.fan_in > 0
        if name in read_by:
            active &= sum(network.graphs[reader].fan_out for reader in read_by[name]) > 0
        n_active += int(active.sum())
        n_neurons += graph.n_out
    return n_active / n_neurons


def _authors(network: LayeredNetwork) -> float:
    graphs = list(network.graphs.values())
    n_active = sum(int((graph.fan_out > 0).sum()) for graph in graphs) + int((graphs[-1].fan_in > 0).sum())
    return n_active / (sum(graph.n_in for graph in graphs) + graphs[-1].n_out)
