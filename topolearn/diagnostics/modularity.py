"""Modularity: how many more links are within communities than expected by chance."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topolearn.checks import random_generator
from topolearn.diagnostics.reading import GraphLike, neighbours, read_graph, read_layer
from topolearn.errors import InvalidValueError, UndefinedMeasureError
from topolearn.graph import BipartiteGraph
from topolearn.graph.two_way_csr import TwoWayCsr

Labels = NDArray[np.int64]


def communities(graph: GraphLike, *, seed: int | np.random.Generator | None = 0) -> Labels:
    """Return the community of each node, from the Leiden algorithm for Newman's modularity (uses igraph).

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph
    seed : int, numpy.random.Generator or None

    Returns
    -------
    array of int64, shape (n_nodes,)
        Labels from 0; inputs first.

    References
    ----------
    Traag, Waltman, van Eck (2019), "From Louvain to Leiden", Scientific Reports 9.

    Examples
    --------
    >>> import numpy as np
    >>> communities(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]))
    array([0, 0, 1, 1, 0, 0, 1, 1])
    """
    from topolearn.sampling.igraph_random import igraph_draws_from

    with igraph_draws_from(random_generator(seed)):
        clustering = neighbours(graph).to_igraph().community_leiden("modularity", n_iterations=-1)
    return np.unique(clustering.membership, return_inverse=True)[1]


def modularity(
    graph: GraphLike, labels: ArrayLike | None = None, *, seed: int | np.random.Generator | None = 0
) -> float:
    r"""Return Newman's modularity.

    .. math:: Q = \frac{1}{2 E} \sum_{ij} \left(A_{ij} - \frac{d_i d_j}{2 E}\right) [c_i = c_j]

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph
    labels : array-like of int, shape (n_nodes,), optional
        The community of each node; default `communities`.
    seed : int, numpy.random.Generator or None
        For the search.

    Returns
    -------
    float
        In [-1/2, 1).

    Raises
    ------
    UndefinedMeasureError
        When the graph has no links.
    InvalidValueError
        When `labels` does not contain one label for each node.

    References
    ----------
    Newman (2006), "Modularity and community structure in networks", PNAS 103.

    Examples
    --------
    >>> import numpy as np
    >>> modularity(np.eye(4))
    0.75
    """
    read = read_graph(graph)
    seen = read if isinstance(read, BipartiteGraph) else neighbours(read)
    if not seen.n_links:
        raise UndefinedMeasureError("modularity is undefined without links")
    community = communities(read, seed=seed) if labels is None else _checked(labels, seen.degrees.size)
    if isinstance(seen, BipartiteGraph):
        within = _within(seen, *np.split(community, [seen.n_in]))
    else:
        within = float((community[seen.edges[:, 0]] == community[seen.edges[:, 1]]).mean())
    degrees = np.bincount(community, seen.degrees) / (2 * seen.n_links)
    return float(within - degrees @ degrees)


def barber_modularity(
    graph: GraphLike, labels: ArrayLike | None = None, *, seed: int | np.random.Generator | None = 0
) -> float:
    r"""Return Barber's modularity, whose null model, too, links only inputs with outputs.

    .. math:: Q_B = \frac{1}{E} \sum_{io} \left(A_{oi} - \frac{d_i d_o}{E}\right) [c_i = c_o]

    The search starts from `communities`; then outputs and inputs alternately move to the community where they
    contribute most, until the modularity stops rising (Barber's BRIM).

    Parameters
    ----------
    graph : BipartiteGraph, or convertible to one
    labels : array-like of int, shape (n_in + n_out,), optional
        The community of each neuron, inputs first.
    seed : int, numpy.random.Generator or None
        For the search.

    Returns
    -------
    float
        In [-1, 1).

    Raises
    ------
    UndefinedMeasureError
        When the graph has no links.
    InvalidValueError
        When `labels` does not contain one label for each neuron.

    References
    ----------
    Barber (2007), "Modularity and community detection in bipartite networks", Physical Review E 76.

    Examples
    --------
    >>> import numpy as np
    >>> barber_modularity(np.eye(4))
    0.75
    """
    layer = read_layer(graph, "barber_modularity")
    if not layer.n_links:
        raise UndefinedMeasureError("barber_modularity is undefined without links")
    if labels is not None:
        return _barber(layer, *np.split(_checked(labels, layer.n_in + layer.n_out), [layer.n_in]))
    return _brim(layer, *np.split(communities(layer, seed=seed), [layer.n_in]))


def _brim(layer: BipartiteGraph, inputs: Labels, outputs: Labels) -> float:
    """Return the modularity that the alternating search reaches."""
    links, n = TwoWayCsr.of(layer), int(max(inputs.max(), outputs.max())) + 1
    best = _barber(layer, inputs, outputs)
    while True:
        outputs = _joined(links, inputs, n)
        inputs = _joined(links.transposed, outputs, n)
        reached = _barber(layer, inputs, outputs)
        if reached <= best + 1e-12:
            return best
        best = reached


def _joined(links: TwoWayCsr, inputs: Labels, n: int) -> Labels:
    """Return, for each output, the community of the inputs where it contributes most, out of n."""
    from topolearn.diagnostics.kernels.ends import best_communities

    joined: Labels = best_communities(links.pointers, links.ends, inputs, np.bincount(inputs, links.fan_out, n))
    return joined


def _barber(layer: BipartiteGraph, inputs: Labels, outputs: Labels) -> float:
    n = int(max(inputs.max(), outputs.max())) + 1
    chance = np.bincount(inputs, layer.fan_out, n) @ np.bincount(outputs, layer.fan_in, n)
    return float(_within(layer, inputs, outputs) - chance / layer.n_links**2)


def _within(layer: BipartiteGraph, inputs: Labels, outputs: Labels) -> float:
    """Return the share of links within a community."""
    from topolearn.diagnostics.kernels.ends import share_of_equals

    return float(share_of_equals(layer.indptr, layer.indices, outputs, inputs))


def _checked(labels: ArrayLike, n: int) -> Labels:
    checked = np.asarray(labels)
    if checked.shape != (n,) or checked.dtype.kind not in "iu" or checked.min() < 0:
        raise InvalidValueError(
            f"labels of shape {checked.shape} and dtype {checked.dtype} must be {n} integers of at least 0"
        )
    return np.unique(checked, return_inverse=True)[1].astype(np.int64)  # memory grows with the largest label
