"""Spectral gap: how fast a random walk along the links spreads over the whole graph."""

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph, linalg

from topolearn.diagnostics.reading import GraphLike, read_single
from topolearn.graph import Graph

SMALL = 64  # size of the smaller side up to which all singular values are computed


def spectral_gap(graph: GraphLike) -> float:
    r"""Return the gap between the first singular value of the normalised adjacency, which is 1, and the second.

    .. math:: \lambda = 1 - \sigma_2(D_o^{-1/2} A D_i^{-1/2})

    with the degrees of outputs and inputs on the diagonals. It is the gap of a random walk along the links: 0 if the
    links form several components, 1 if all outputs have the same inputs. For a one-mode graph it is
    :math:`1 - \lambda_2(D^{-1/2} A D^{-1/2})`, the second smallest eigenvalue of the normalised Laplacian without
    isolated nodes. A layer with more than one link has the same gap as the one-mode graph of all its neurons.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one

    Returns
    -------
    float
        In [0, 1], or in [0, 2] for a one-mode graph; 1 for a layer with a single link, and 0 without links.

    References
    ----------
    Chung (1997), "Spectral graph theory"; Hoory, Linial, Wigderson (2006), "Expander graphs and their applications",
    Bulletin of the AMS 43.

    Examples
    --------
    >>> import numpy as np
    >>> round(spectral_gap(np.ones((3, 4))), 9), round(spectral_gap(np.eye(2)), 9)
    (1.0, 0.0)
    """
    layer = read_single(graph, "spectral_gap")
    if not layer.n_links:
        return 0.0
    if isinstance(layer, Graph):
        return _one_mode_gap(layer)
    by_output, by_input = (sparse.diags_array(np.maximum(d, 1) ** -0.5) for d in (layer.fan_in, layer.fan_out))
    normal = (by_output @ layer.to_scipy().astype(np.float64) @ by_input).tocsr()
    if min(normal.shape) <= SMALL:
        values = np.linalg.svd(normal.toarray(), compute_uv=False)
    else:
        start = np.random.default_rng(0).random(min(normal.shape))  # fixed, so that the result is reproducible
        values = np.sort(linalg.svds(normal, k=2, v0=start, return_singular_vectors=False))[::-1]
    return float(np.clip(1 - values[1], 0, 1)) if values.size > 1 else 1.0


def _one_mode_gap(graph: Graph) -> float:
    """Return 1 - the second largest eigenvalue of the normalised adjacency of the nodes with links."""
    linked = np.flatnonzero(graph.degrees)
    links = graph.to_scipy().astype(np.float64)[linked][:, linked]
    if csgraph.connected_components(links, directed=False)[0] > 1:
        return 0.0
    scale = sparse.diags_array(graph.degrees[linked] ** -0.5)
    normal = (scale @ links @ scale).tocsr()
    if linked.size <= SMALL:
        values = np.linalg.eigvalsh(normal.toarray())
    else:  # long chains have eigenvalues close together, which only a larger Krylov space separates
        start, size = np.random.default_rng(0).random(linked.size), min(linked.size, 80)
        values = np.sort(linalg.eigsh(normal, k=2, which="LA", v0=start, ncv=size, return_eigenvectors=False))
    return float(np.clip(1 - values[-2], 0, 2))
