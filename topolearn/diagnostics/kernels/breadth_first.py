"""Breadth-first search from one source, with the distance of each node."""

from topolearn.compiling import njit


@njit(nogil=True)
def breadth_first(pointers, ends, source, most, distance, order):
    """Write the nodes within a distance `most` of a source, nearest first, and their distances.

    Parameters
    ----------
    pointers, ends : arrays
        Neighbours of each node, in compressed form.
    source, most : int
    distance : array of int64, shape (n_nodes,)
        Must be filled with -1; written for the nodes that are reached.
    order : array of int64, shape (n_nodes,)

    Returns
    -------
    int
        The number of nodes reached, including the source.
    """
    order[0], distance[source] = source, 0
    n_reached, i = 1, 0
    while i < n_reached and distance[order[i]] < most:
        node = order[i]
        for k in range(pointers[node], pointers[node + 1]):
            other = ends[k]
            if distance[other] < 0:
                distance[other] = distance[node] + 1
                order[n_reached] = other
                n_reached += 1
        i += 1
    return n_reached
