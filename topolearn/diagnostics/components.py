"""Components: parts of a graph between which no path leads."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csgraph

from topolearn.diagnostics.reading import GraphLike, Neighbours, neighbours


def n_components(graph: GraphLike) -> int:
    """Return the number of components; a neuron without links is one by itself.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph

    Examples
    --------
    >>> import numpy as np
    >>> n_components(np.array([[1, 0, 0], [0, 1, 0]]))
    3
    """
    return int(_labels(neighbours(graph)).max()) + 1


def largest_component(graph: GraphLike) -> float:
    """Return the share of nodes that lie in the largest component.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph

    Examples
    --------
    >>> import numpy as np
    >>> largest_component(np.array([[1, 0, 0], [0, 1, 0]]))
    0.4
    """
    seen = neighbours(graph)
    return nodes_of_largest(seen).size / seen.n_nodes


def nodes_of_largest(seen: Neighbours) -> NDArray[np.int64]:
    """Return the nodes of the largest component, sorted; of several as large, the one with the first node."""
    labels = _labels(seen)
    return np.flatnonzero(labels == np.bincount(labels).argmax())


def _labels(seen: Neighbours) -> NDArray[np.int32]:
    return csgraph.connected_components(seen.to_scipy(), directed=False)[1]
