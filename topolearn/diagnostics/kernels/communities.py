"""The local community of each link: neurons on paths of length three between its ends, and their links."""

import numpy as np

from topolearn.compiling import njit


@njit(nogil=True)
def count_communities(first, last, pointers, ends, back_pointers, back_ends, neurons, links):
    """Write the numbers of neurons and paths in the local community of each link of the rows u, first <= u < last."""
    ours = np.full(back_pointers.size - 1, -1, np.int64)  # the last u that each column was linked to
    seen = np.full(back_pointers.size - 1, -1, np.int64)  # the last link whose community contained each column
    for u in range(first, last):
        for k in range(pointers[u], pointers[u + 1]):
            ours[ends[k]] = u
        for k in range(pointers[u], pointers[u + 1]):
            v = ends[k]
            for j in range(back_pointers[v], back_pointers[v + 1]):
                z = back_ends[j]
                if z == u:
                    continue
                is_member = False
                for i in range(pointers[z], pointers[z + 1]):
                    w = ends[i]
                    if w != v and ours[w] == u:
                        links[k] += 1
                        is_member = True
                        if seen[w] != k:
                            seen[w] = k
                            neurons[k] += 1
                if is_member:
                    neurons[k] += 1


@njit(nogil=True)
def count_common(edges, pointers, ends):
    """Return the numbers of common neighbours of the ends of each link in a one-mode graph, and of links among them."""
    nodes, links = np.zeros(len(edges), np.int64), np.zeros(len(edges), np.int64)
    ours = np.full(pointers.size - 1, -1, np.int64)  # the last end with this node as a neighbour
    common = np.full(pointers.size - 1, -1, np.int64)  # the last link whose ends share this node
    for k in range(len(edges)):
        i, j = edges[k]
        if k == 0 or edges[k - 1, 0] != i:
            for a in range(pointers[i], pointers[i + 1]):
                ours[ends[a]] = i
        for a in range(pointers[j], pointers[j + 1]):
            if ours[ends[a]] == i:
                common[ends[a]] = k
                nodes[k] += 1
        for a in range(pointers[j], pointers[j + 1]):
            z = ends[a]
            if common[z] == k:
                for b in range(pointers[z], pointers[z + 1]):
                    links[k] += z < ends[b] and common[ends[b]] == k
    return nodes, links
