"""Links that do nothing: those of inactive neurons, which percolation would remove."""

import torch

from topolearn.graph import LayeredNetwork, percolate_cells


def idle_links(network: LayeredNetwork, *, unit: str = "rotary_pair") -> dict[str, int]:
    """Return how many links of each layer do nothing: those that `topolearn.percolate` would remove.

    Without them the outputs of a model are the same, but for biases: a neuron without a link in still sends its bias
    on. Layers in no group, and a network without groups, have none that could be known.

    Parameters
    ----------
    network : LayeredNetwork
        Such as ``topology_of(model)``.
    unit : {"rotary_pair", "coordinate"}
        As for `topolearn.percolate`. "rotary_pair" counts links that change no attention score; "coordinate", as in the
        paper, counts those too whose scores come from rotary positions alone.

    Returns
    -------
    dict of str to int
        By the name of the layer.

    Raises
    ------
    UnknownNameError
        When `unit` is another word.

    References
    ----------
    Zhang et al., appendix E.

    Examples
    --------
    The second hidden neuron has a link in, and none out:

    >>> import numpy as np, topolearn as tl
    >>> first, second = tl.BipartiteGraph(np.ones((2, 3))), tl.BipartiteGraph([[1, 0]] * np.ones((4, 1)))
    >>> idle_links(tl.LayeredNetwork({"fc1": first, "fc2": second}))
    {'fc1': 3, 'fc2': 0}
    """
    cells = {name: torch.tensor(graph.cells) for name, graph in network.graphs.items()}
    left = percolate_cells(cells, network.shapes, network.groups, unit=unit)
    return {name: graph.n_links - left[name].numel() for name, graph in network.graphs.items()}
