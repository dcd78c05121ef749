"""Distance between topologies: how many links two graphs on the same neurons do not share."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.reading import GraphLike, read_single
from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph, Graph

Names = tuple[str, ...] | None


def jaccard_distance(first: GraphLike, second: GraphLike) -> float:
    r"""Return the share of the links of two graphs that only one of them has.

    .. math:: J(A, B) = 1 - \frac{|A \cap B|}{|A \cup B|}

    Parameters
    ----------
    first, second : BipartiteGraph or Graph, or convertible to one
        Graphs with the same numbers of inputs and outputs, or of nodes. If both have names, neurons of the same name
        are compared; if one has none, its names are its numbers, ``"0"``, ``"1"``, and so on, if the other's names are
        these too, or else neurons are compared by position.

    Returns
    -------
    float
        In [0, 1]; 0 for two graphs without links.

    Raises
    ------
    InvalidValueError
        When their sizes or names differ, or only one of them has two sides.

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
        Graphs with the same numbers of inputs and outputs, or of nodes. If both have names, neurons of the same name
        are compared; if one has none, its names are its numbers, ``"0"``, ``"1"``, and so on, if the other's names are
        these too, or else neurons are compared by position.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InvalidValueError
        When their sizes or names differ, or only one of them has two sides.

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
    shared = np.intersect1d(a.cells, _cells_among(a, b), assume_unique=True).size
    return shared, a.n_links + b.n_links - shared


def _cells_among(a: BipartiteGraph | Graph, b: BipartiteGraph | Graph) -> NDArray[np.int64]:
    """Return the cells of the second graph, with its neurons or nodes in the places that they have in the first."""
    if isinstance(a, Graph) and isinstance(b, Graph):
        return Graph(_places(a.names, b.names, a.n_nodes, "node")[b.edges()], a.n_nodes).cells
    if isinstance(a, BipartiteGraph) and isinstance(b, BipartiteGraph):
        inputs = _places(a.input_names, b.input_names, a.n_in, "input")
        outputs = _places(a.output_names, b.output_names, a.n_out, "output")
        return outputs[b.cells // a.n_in] * a.n_in + inputs[b.cells % a.n_in]
    return b.cells  # of another kind, which differs in size


def _places(names: Names, others: Names, n: int, what: str) -> NDArray[np.int64]:
    """Return the place of each of the second names among the first.

    Examples
    --------
    >>> _places(("a", "b", "c"), ("c", "a", "b"), 3, "node"), _places(None, ("1", "0"), 2, "node")
    (array([2, 0, 1]), array([1, 0]))
    """
    by_position = np.arange(n)
    if names == others:
        return by_position
    first, second = (tuple(map(str, range(n))) if given is None else given for given in (names, others))
    place = {name: i for i, name in enumerate(first)}
    missing = next((name for name in second if name not in place), None)
    if missing is None:
        return np.array([place[name] for name in second], dtype=np.int64)
    if names is None or others is None:
        return by_position
    raise InvalidValueError(
        f"the second graph has the {what} {missing!r}, but the first has not: pass graphs with the same names, or "
        "without names to compare them by position"
    )


def _check_sizes(a: BipartiteGraph | Graph, b: BipartiteGraph | Graph) -> None:
    sizes = [f"{g.n_in} x {g.n_out} neurons" if isinstance(g, BipartiteGraph) else f"{g.n_nodes} nodes" for g in (a, b)]
    if sizes[0] != sizes[1]:
        raise InvalidValueError(
            f"graphs of {sizes[0]} and {sizes[1]} cannot be compared: pass graphs on the same neurons or nodes"
        )
