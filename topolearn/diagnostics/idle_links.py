"""Idle links: links of inactive neurons, which percolation would remove."""

import torch

from topolearn.diagnostics.reading import read_network
from topolearn.graph import LayeredNetwork, percolate_cells


def idle_links(network: LayeredNetwork, *, unit: str = "rotary_pair") -> dict[str, int]:
    """Return the number of links of each layer that have no effect: those that `topolearn.percolate` would remove.

    Without them the outputs of a model are the same, except for biases: a neuron without a link in still passes on its
    bias. Idle links are unknown, and counted as 0, in layers outside of any group.

    Parameters
    ----------
    network : LayeredNetwork
        Such as ``topology_of(model)``.
    unit : {"rotary_pair", "coordinate"}
        As for `topolearn.percolate`. "rotary_pair" counts links that do not affect attention scores; "coordinate", as
        in the paper, also counts links that affect them only through rotary positions.

    Returns
    -------
    dict of str to int
        By layer name.

    Raises
    ------
    InvalidTypeError, UnknownNameError
        When `network` is not a network, or `unit` has another value.

    References
    ----------
    Zhang et al., appendix E.

    Examples
    --------
    The second hidden neuron has links in but none out:

    >>> import numpy as np, topolearn as tl
    >>> first, second = tl.BipartiteGraph(np.ones((2, 3))), tl.BipartiteGraph([[1, 0]] * np.ones((4, 1)))
    >>> idle_links(tl.LayeredNetwork({"fc1": first, "fc2": second}))
    {'fc1': 3, 'fc2': 0}
    """
    network = read_network(network, "idle_links")
    cells = {name: torch.tensor(graph.cells) for name, graph in network.graphs.items()}
    left = percolate_cells(cells, network.shapes, network.groups, unit=unit)
    return {name: graph.n_links - left[name].numel() for name, graph in network.graphs.items()}
