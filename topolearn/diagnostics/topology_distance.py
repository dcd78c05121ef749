"""Distance between topologies: how many links two graphs on the same neurons do not share."""

import numpy as np

from topolearn.diagnostics.reading import GraphLike, read_single
from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph, Graph


def jaccard_distance(first: GraphLike, second: GraphLike) -> float:
    r"""Return the share of the links of two graphs that only one of them has.

    .. math:: J(A, B) = 1 - \frac{|A \cap B|}{|A \cup B|}

    Parameters
    ----------
    first, second : BipartiteGraph or Graph, or convertible to one
        Graphs with the same numbers of inputs and outputs, or of nodes.

    Returns
    -------
    float
        In [0, 1]; 0 for two graphs without links.

    Raises
    ------
    InvalidValueError
        When their sizes differ, or only one of them has two sides.

    References
    ----------
    Jaccard (1901), "Étude comparative de la distribution florale".

    Examples
    --------
    >>> import numpy as np
    >>> jaccard_distance(np.eye(2), np.array([[1, 1], [0, 0]]))
    0.6666666666666667
    """
    shared, either = _counts(first, second)
    return 1 - shared / either if either else 0.0


def hamming_distance(first: GraphLike, second: GraphLike) -> float:
    r"""Return the share of all cells that are a link in exactly one of two graphs.

    .. math:: H(A, B) = \frac{|A \,\triangle\, B|}{n_{in} n_{out}}

    For one-mode graphs the denominator is the number of pairs of nodes.

    Parameters
    ----------
    first, second : BipartiteGraph or Graph, or convertible to one
        Graphs with the same numbers of inputs and outputs, or of nodes.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InvalidValueError
        When their sizes differ, or only one of them has two sides.

    References
    ----------
    Hamming (1950), "Error detecting and error correcting codes".

    Examples
    --------
    >>> import numpy as np
    >>> hamming_distance(np.eye(2), np.array([[1, 1], [0, 0]]))
    0.5
    """
    shared, either = _counts(first, second)
    return (either - shared) / read_single(first, "hamming_distance").n_cells


def _counts(first: GraphLike, second: GraphLike) -> tuple[int, int]:
    """Return the number of links that both graphs have, and the number that either has."""
    a, b = (read_single(graph, "the distance of topologies") for graph in (first, second))
    _check_sizes(a, b)
    shared = np.intersect1d(a.cells, b.cells, assume_unique=True).size
    return shared, a.n_links + b.n_links - shared


def _check_sizes(a: BipartiteGraph | Graph, b: BipartiteGraph | Graph) -> None:
    sizes = [f"{g.n_in} x {g.n_out} neurons" if isinstance(g, BipartiteGraph) else f"{g.n_nodes} nodes" for g in (a, b)]
    if sizes[0] != sizes[1]:
        raise InvalidValueError(
            f"graphs of {sizes[0]} and {sizes[1]} cannot be compared: pass graphs on the same neurons or nodes"
        )
