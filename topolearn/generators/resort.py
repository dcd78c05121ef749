"""Resort: hidden neurons are put in the order of their degree, so that hubs meet hubs."""

import numpy as np
from numpy.typing import NDArray

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup

Integers = NDArray[np.int64]


def resort(network: LayeredNetwork) -> LayeredNetwork:
    r"""Permute hidden neurons so that hubs of one layer's outputs are hubs of the next layer's inputs.

    In each neuron group, the outputs of the layers that write to it are sorted by fan-in, and the inputs of the layers
    that read from it by fan-out, both ascending, ties by index; so neurons of equal rank meet. (To permute both alike
    would only rename the hidden neurons. The two orders differ, and it is this difference that changes the network.)
    Of several writers, or readers, the degrees are added up, and all get the same order. A layer that reads one group
    and writes to another is sorted on both sides; first inputs and last outputs stay where they are. Every layer's
    graph is isomorphic to what it was: degrees only change places, and names go with their neuron's links.

    The number of credit assignment paths of two layers that meet, :math:`\sum_h k^{in}_h k^{out}_h`, becomes the
    largest that any permutation reaches (the rearrangement inequality). For deeper networks, the number of paths from
    inputs to outputs, :math:`1^T A_L \cdots A_1 1`, usually rises, but is not bound to.

    Parameters
    ----------
    network : LayeredNetwork
        Layers of any kind, in any groups. Layers that are in no group stay as they are.

    Returns
    -------
    LayeredNetwork
        The same layers and groups, with permuted graphs. Nothing is drawn; to resort again changes nothing.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `network` is not a LayeredNetwork, or layers share attention heads, so that they have orders of their own.

    References
    ----------
    Zhang et al., appendix D, "Resorting Middle Layer Neurons".

    Examples
    --------
    >>> first = BipartiteGraph.from_edges([(0, 0), (1, 0), (1, 1)], n_in=2, n_out=2)
    >>> second = BipartiteGraph.from_edges([(0, 0), (1, 0), (1, 1)], n_in=2, n_out=2)
    >>> network = resort(LayeredNetwork({"fc1": first, "fc2": second}))
    >>> network["fc1"].fan_in, network["fc2"].fan_out
    (array([1, 2]), array([1, 2]))
    """
    if not isinstance(network, LayeredNetwork):
        raise InvalidTypeError(
            f"network is a {type(network).__name__}: pass a LayeredNetwork, as topology_of(model) is"
        )
    outputs, inputs = {}, {}
    for group in network.groups:
        _refuse_shared_heads(group, network)
        fan_in = np.sum([network[name].fan_in for name in group.writers], axis=0)
        fan_out = np.sum([network[name].fan_out for name in group.readers], axis=0)  # 0 where there is no reader
        outputs.update(dict.fromkeys(group.writers, np.argsort(fan_in, kind="stable")))
        inputs.update(dict.fromkeys(group.readers, np.argsort(fan_out, kind="stable")))
    return LayeredNetwork(
        {name: _permuted(graph, inputs.get(name), outputs.get(name)) for name, graph in network.graphs.items()},
        network.groups,
    )


def _refuse_shared_heads(group: NeuronGroup, network: LayeredNetwork) -> None:
    sizes = {name: network[name].n_out for name in group.writers} | {name: network[name].n_in for name in group.readers}
    if len(set(sizes.values())) > 1:
        quoted = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InvalidValueError(
            f"group {group} has heads that several others share ({quoted} neurons), and no one order for all of them: "
            "resort knows groups of equal sizes alone"
        )


def _permuted(graph: BipartiteGraph, inputs: Integers | None, outputs: Integers | None) -> BipartiteGraph:
    """Return a graph whose neuron number j of a side is the old number ``order[j]``; None leaves a side as it is."""
    adjacency = graph.to_scipy()
    input_names, output_names = graph.input_names, graph.output_names
    if inputs is not None:
        adjacency = adjacency[:, inputs]
        input_names = input_names and tuple(input_names[i] for i in inputs)
    if outputs is not None:
        adjacency = adjacency[outputs]
        output_names = output_names and tuple(output_names[o] for o in outputs)
    return BipartiteGraph(adjacency, input_names=input_names, output_names=output_names)
