"""LCP correlation: whether larger local communities of links also have more internal links."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.reading import GraphLike, read_single
from topolearn.errors import UndefinedMeasureError
from topolearn.graph import Graph
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.threads import Rows, cut, for_each


def local_communities(graph: GraphLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    r"""Return the size of the local community of each link, and the number of links within it.

    The local community of a link (i, o) consists of the neurons z on paths of length three
    :math:`i - z_o - z_i - o` that avoid the link itself. Its links are the :math:`(z_i, z_o)`, one per path. In a
    one-mode graph it consists of the common neighbours of the ends, and its links are those among them.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one

    Returns
    -------
    neurons, links : arrays of int64, shape (n_links,)
        In the order of ``graph.cells``.

    Examples
    --------
    >>> import numpy as np
    >>> local_communities(np.ones((2, 2)))
    (array([2, 2, 2, 2]), array([1, 1, 1, 1]))
    """
    from topolearn.diagnostics.kernels.communities import count_common, count_communities

    layer = read_single(graph, "lcp_correlation")
    if isinstance(layer, Graph):
        nodes, among = count_common(layer.edges(), layer.indptr, layer.indices)
        return nodes, among
    both_ways = TwoWayCsr.of(layer)
    neurons, links = np.zeros(layer.n_links, np.int64), np.zeros(layer.n_links, np.int64)

    def work(rows: Rows) -> None:
        count_communities(*rows, *both_ways.arrays, neurons, links)

    for_each(work, cut(4 * both_ways.walks_of_two() * max(layer.n_links // layer.n_out, 1) + 1))
    return neurons, links


def lcp_correlation(graph: GraphLike) -> float:
    r"""Return the correlation between the size and the links of local communities, over the links that have one.

    .. math:: \mathrm{LCP} = \mathrm{corr}(CN, LCL)

    with CN the number of neurons of a link's local community, and LCL of its links; see `local_communities`. In a
    graph with two sides, where the ends of a link have no common neighbours, this is the form of Daminelli et al.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    UndefinedMeasureError
        When fewer than two links have a local community, or all communities have the same size or number of links.

    References
    ----------
    Daminelli et al. (2015), "Common neighbours and the local-community-paradigm for topological link prediction in
    bipartite networks", New Journal of Physics 17; Cannistraci, Alanis-Lobato, Ravasi (2013), "From link-prediction in
    brain connectomes and protein interactomes to the local-community-paradigm", Scientific Reports 3.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> lcp_correlation(make("bsw", 40, 40, 0.2, seed=0)) > 0.8
    True
    """
    neurons, links = local_communities(graph)
    has = neurons > 0
    if has.sum() < 2 or np.ptp(neurons[has]) == 0 or np.ptp(links[has]) == 0:
        raise UndefinedMeasureError("lcp_correlation is undefined: the local communities of links do not differ")
    return float(np.corrcoef(neurons[has], links[has])[0, 1])
