"""LCP correlation: whether links whose ends share many neighbours also have many links among these."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.reading import GraphLike, read_single
from topolearn.errors import UndefinedMeasureError
from topolearn.graph import Graph
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.threads import Rows, cut, for_each


def local_communities(graph: GraphLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    r"""Return, for each link, the size of its local community and the links within it.

    With the link (i, o) itself taken away, the local community are the neurons z on paths of length three
    :math:`i - z_o - z_i - o`, and its links the :math:`(z_i, z_o)`, one for each path. Of a one-mode graph they are the
    common neighbours of the ends, and the links among these.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or what can be read as one

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
    r"""Return the correlation between size and links of local communities, over the links that have one.

    .. math:: \mathrm{LCP} = \mathrm{corr}(CN, LCL)

    with CN the neurons of a link's `local_communities`, and LCL its links. In graphs with two sides ends of a link
    have no common neighbours: theirs is the form of Daminelli et al.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or what can be read as one

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    UndefinedMeasureError
        When fewer than two links have a local community, or all are equally large or linked.

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
        raise UndefinedMeasureError("lcp_correlation is undefined: no two links have local communities that differ")
    return float(np.corrcoef(neurons[has], links[has])[0, 1])
