"""Connected components of a graph."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.reading import GraphLike, Neighbours, neighbours, read_graph
from topolearn.graph import BipartiteGraph


def n_components(graph: GraphLike) -> int:
    """Return the number of components; a neuron without links is a separate component.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph

    Examples
    --------
    >>> import numpy as np
    >>> n_components(np.array([[1, 0, 0], [0, 1, 0]]))
    3
    """
    return int(component_labels(graph).max()) + 1


def largest_component(graph: GraphLike) -> float:
    """Return the share of nodes in the largest component.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph

    Examples
    --------
    >>> import numpy as np
    >>> largest_component(np.array([[1, 0, 0], [0, 1, 0]]))
    0.4
    """
    labels = component_labels(graph)
    return int(np.bincount(labels).max()) / labels.size


def component_labels(graph: GraphLike) -> NDArray[np.int32]:
    """Return the component of each node, inputs first; components are numbered from 0 by their first nodes.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph

    References
    ----------
    Tarjan, van Leeuwen (1984), "Worst-case analysis of set union algorithms", Journal of the ACM 31 (path halving).

    Examples
    --------
    >>> import numpy as np
    >>> component_labels(np.array([[1, 0, 0], [0, 1, 0]]))
    array([0, 1, 2, 0, 1], dtype=int32)
    """
    from topolearn.diagnostics.kernels.components import component_labels as labels

    read = read_graph(graph)
    if isinstance(read, BipartiteGraph):
        return labels(read.indptr, read.indices, read.n_in, read.n_in + read.n_out)
    return _labels(neighbours(read))


def nodes_of_largest(seen: Neighbours) -> NDArray[np.int64]:
    """Return the sorted nodes of the largest component; of several equally large ones, that with the first node."""
    labels = _labels(seen)
    return np.flatnonzero(labels == np.bincount(labels).argmax())


def _labels(seen: Neighbours) -> NDArray[np.int32]:
    from topolearn.diagnostics.kernels.components import component_labels as labels

    return labels(seen.pointers, seen.ends, 0, seen.n_nodes)
