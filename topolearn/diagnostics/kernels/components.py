"""Components by union-find: every node points to an earlier node of its component, and the first node to itself."""

import numpy as np

from topolearn.compiling import internal, njit


@njit(nogil=True)
def component_labels(pointers, ends, offset, n_nodes):
    """Return the component of each node; components are numbered by their first nodes.

    Parameters
    ----------
    pointers, ends : arrays
        Links in compressed form; row r holds the ends of the links of node ``r + offset``.
    offset, n_nodes : int

    Returns
    -------
    array of int32, shape (n_nodes,)
    """
    earlier = np.arange(n_nodes).astype(np.int32)
    for row in range(pointers.size - 1):
        first = _first(earlier, row + offset)
        for k in range(pointers[row], pointers[row + 1]):
            other = _first(earlier, ends[k])
            if other < first:
                earlier[first] = other
                first = other
            elif other > first:
                earlier[other] = first
    n = np.int32(0)
    for node in range(n_nodes):
        if earlier[node] == node:
            earlier[node] = n
            n += 1
        else:
            earlier[node] = earlier[earlier[node]]
    return earlier


@internal
def _first(earlier, node):
    """Return the first node of a component, and halve the path to it."""
    while earlier[node] != node:
        earlier[node] = earlier[earlier[node]]
        node = earlier[node]
    return node
