"""The degrees and labels at the two ends of links."""

import numpy as np

from topolearn.compiling import njit


@njit(nogil=True)
def mean_product(pointers, ends, degrees, pivot):
    """Return the mean over the links of the product of the degrees at both ends, each minus a pivot.

    Parameters
    ----------
    pointers, ends : arrays
        At least one link, in compressed form; the degree of a row is its number of links.
    degrees : array of int
        Of the ends.
    pivot : float
    """
    total = 0.0
    for row in range(pointers.size - 1):
        around = 0
        for k in range(np.uint64(pointers[row]), np.uint64(pointers[row + 1])):
            around += degrees[np.uint64(ends[k])]  # unsigned, for no check for negative indices: twice as fast
        degree = pointers[row + 1] - pointers[row]
        total += (degree - pivot) * (around - degree * pivot)
    return total / ends.size


@njit(nogil=True)
def end_moments(degrees, pivot):
    """Return the minimum and maximum degree at one end of all links, and the mean and mean square minus a pivot.

    Parameters
    ----------
    degrees : array of int
        Of the nodes of the side; not all 0.
    pivot : float
    """
    low, high, n = degrees.size, 0, 0
    mean = square = 0.0
    for degree in degrees:
        if degree:
            low = degree if n == 0 else min(low, degree)
            high = max(high, degree)
            n += degree
            mean += degree * (degree - pivot)
            square += degree * (degree - pivot) ** 2
    return low, high, mean / n, square / n


@njit(nogil=True)
def share_of_equals(pointers, ends, row_labels, end_labels):
    """Return the share of links with the same label at both ends.

    Parameters
    ----------
    pointers, ends : arrays
        At least one link, in compressed form.
    row_labels, end_labels : arrays of int
    """
    n = 0
    for row in range(pointers.size - 1):
        for k in range(np.uint64(pointers[row]), np.uint64(pointers[row + 1])):
            n += end_labels[np.uint64(ends[k])] == row_labels[row]
    return n / ends.size


@njit(nogil=True)
def best_communities(pointers, ends, labels, degree_sums):
    """Return the community of the ends where each row contributes most to Barber's modularity, the first if several do.

    These are the communities of its ends and, of all others, that of the smallest degrees. The gain of a community is
    the number of links to it, minus the number expected by chance; rows without links join community 0.

    Parameters
    ----------
    pointers, ends : arrays
        At least one link, in compressed form.
    labels : array of int
        The community of each end.
    degree_sums : array of float
        The sum of the degrees of the ends in each community.
    """
    best = np.zeros(pointers.size - 1, np.int64)
    n_links, met = np.zeros(degree_sums.size, np.int64), np.empty(degree_sums.size + 1, np.int64)
    met[0] = np.argmin(degree_sums)
    for row in range(pointers.size - 1):
        n_met, degree = 1, pointers[row + 1] - pointers[row]
        for k in range(pointers[row], pointers[row + 1]):
            community = labels[ends[k]]
            if n_links[community] == 0:
                met[n_met] = community
                n_met += 1
            n_links[community] += 1
        most = -np.inf
        for i in range(n_met if degree else 0):
            community = met[i]
            gain = n_links[community] - degree * degree_sums[community] / ends.size
            if gain > most or (gain == most and community < best[row]):
                best[row], most = community, gain
        for i in range(n_met):
            n_links[met[i]] = 0
    return best
