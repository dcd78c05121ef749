"""Percolation: removal of the links to and from inactive neurons, to a fixed point."""

import numpy as np
from numpy.typing import NDArray

from topolearn.errors import InvalidTypeError
from topolearn.graph.bipartite import BipartiteGraph
from topolearn.graph.network import LayeredNetwork

_COMBINE = {"any": np.logical_or, "all": np.logical_and}


def percolate(network: LayeredNetwork) -> tuple[LayeredNetwork, dict[str, NDArray[np.int64]]]:
    """Remove all links to and from inactive hidden neurons, until none is left.

    A neuron of a group is active when its writers have a link into it (one of them where they combine
    by "any", each of them where by "all") and one of its readers has a link out of it. Neurons in no group,
    such as the inputs of the first layer and the outputs of the last, are not tested.

    Parameters
    ----------
    network : LayeredNetwork
        The network; it stays as it is.

    Returns
    -------
    network : LayeredNetwork
        The network without these links.
    removed : dict of str to array of shape (k, 2)
        The links removed from each layer: rows (input, output), sorted as `BipartiteGraph.edges`.

    Examples
    --------
    Of two hidden neurons, neither has links on both sides.

    >>> first = BipartiteGraph.from_edges([(0, 0)], n_in=1, n_out=2)
    >>> second = BipartiteGraph.from_edges([(1, 0)], n_in=2, n_out=1)
    >>> network, removed = percolate(LayeredNetwork({"fc1": first, "fc2": second}))
    >>> network.n_links, removed["fc2"].tolist()
    (0, [[1, 0]])
    """
    if not isinstance(network, LayeredNetwork):
        raise InvalidTypeError(f"network is a {type(network).__name__}: pass LayeredNetwork(graphs)")
    cells = {name: graph.cells for name, graph in network.graphs.items()}
    ends = {name: np.divmod(cells[name], graph.n_in) for name, graph in network.graphs.items()}
    keep = {name: np.ones(graph.n_links, dtype=bool) for name, graph in network.graphs.items()}

    changed = True
    while changed:
        changed = False
        for group in (*network.groups, *reversed(network.groups)):  # a chain settles in one sweep and back
            outputs = {name: ends[name][0] for name in group.writers}
            inputs = {name: ends[name][1] for name in group.readers}
            n = network[group.writers[0]].n_out
            driven = [_reached(end[keep[name]], n) for name, end in outputs.items()]
            read = [_reached(end[keep[name]], n) for name, end in inputs.items()]
            active = _COMBINE[group.combine].reduce(driven) & np.logical_or.reduce(read)
            for name, end in (*outputs.items(), *inputs.items()):
                lost = keep[name] & ~active[end]
                keep[name] &= ~lost
                changed |= bool(lost.any())

    graphs = {name: _kept(graph, cells[name], keep[name]) for name, graph in network.graphs.items()}
    removed = {name: _edges(*ends[name], ~keep[name]) for name in network}
    return LayeredNetwork(graphs, network.groups), removed


def _reached(ends: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    return np.bincount(ends, minlength=n) > 0


def _kept(graph: BipartiteGraph, cells: NDArray[np.int64], keep: NDArray[np.bool_]) -> BipartiteGraph:
    if keep.all():
        return graph
    names = {"input_names": graph.input_names, "output_names": graph.output_names}
    return BipartiteGraph.from_cells(cells[keep], graph.n_in, graph.n_out, **names)


def _edges(outputs: NDArray[np.int64], inputs: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    rows = np.column_stack([inputs[chosen], outputs[chosen]])
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]
