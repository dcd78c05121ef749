"""Equal partition (EP): every input neuron gets the same number of links."""

import numpy as np

from topolearn.checks import random_generator
from topolearn.errors import InvalidTypeError
from topolearn.generators.stub_matching import match_stubs
from topolearn.graph import BipartiteGraph


def equal_partition(graph: BipartiteGraph, *, seed: int | np.random.Generator | None = None) -> BipartiteGraph:
    """Redraw the links of a layer so that all input neurons have equally many; every fan-in stays the same.

    A scale-free first layer turns inputs into hubs even if they matter little. Equal partition keeps the stubs (ends of
    links) of the outputs and joins them with stubs of the inputs: n_links // n_in each, and one more for n_links % n_in
    random inputs. Repeated links trade ends (`stub_matching.match_stubs`). So every fan-in stays the same, and fan-outs
    differ by at most one. Such a graph exists for every layer: the theorem of Gale and Ryser bounds the sums of the
    largest fan-outs, which are smallest if all are equal.

    Parameters
    ----------
    graph : BipartiteGraph
        The layer, of any size and density.
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None gives a new one on every call.

    Returns
    -------
    BipartiteGraph
        A graph of the same shape, number of links, fan-ins and names.

    Raises
    ------
    InvalidTypeError
        When `graph` is not a BipartiteGraph, or `seed` has another type.
    InvalidValueError
        When `seed` is negative.

    References
    ----------
    Zhang et al., appendix D, "Equal Partitioning of the First Layer".

    Examples
    --------
    >>> from topolearn.generators import bipartite_scale_free
    >>> graph = bipartite_scale_free(784, 1568, 0.01, seed=0)
    >>> equal = equal_partition(graph, seed=0)
    >>> sorted(set(equal.fan_out.tolist())), bool((equal.fan_in == graph.fan_in).all())
    ([15, 16], True)
    """
    if not isinstance(graph, BipartiteGraph):
        raise InvalidTypeError(
            f"graph is a {type(graph).__name__}: pass a BipartiteGraph, such as that of the first layer of a network"
        )
    rng = random_generator(seed)
    fan_out = np.full(graph.n_in, graph.n_links // graph.n_in)
    fan_out[rng.permutation(graph.n_in)[: graph.n_links % graph.n_in]] += 1
    return BipartiteGraph.from_cells(
        match_stubs(fan_out, graph.fan_in, rng),
        graph.n_in,
        graph.n_out,
        input_names=graph.input_names,
        output_names=graph.output_names,
    )
