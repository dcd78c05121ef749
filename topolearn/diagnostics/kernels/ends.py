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
