"""Resort: sort hidden neurons by degree, so that hubs meet hubs."""

import numpy as np
from numpy.typing import NDArray

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup

Integers = NDArray[np.int64]


def resort(network: LayeredNetwork) -> LayeredNetwork:
    r"""Permute hidden neurons so that output hubs of one layer meet input hubs of the next.

    In each neuron group, the outputs of the writers are sorted by fan-in and the inputs of the readers by fan-out, both
    in ascending order, with ties by index; so neurons of equal rank meet. (Permuting both in the same way would only
    rename the hidden neurons; the difference between the two orders is what changes the network.) Several writers, or
    several readers, share one order, by the sum of their degrees. A layer that reads one group and writes to another is
    sorted on both sides; the first inputs and last outputs stay in place. The graph of every layer stays isomorphic to
    the original: its degrees only change places, and names stay with the links of their neurons.

    The number of credit assignment paths of two layers that meet, :math:`\sum_h k^{in}_h k^{out}_h`, becomes the
    largest of all permutations (the rearrangement inequality). In deeper networks, the number of paths from inputs to
    outputs, :math:`1^T A_L \cdots A_1 1`, usually increases, but this is not guaranteed.

    Parameters
    ----------
    network : LayeredNetwork
        A network with any layers and groups. Layers in no group stay as they are.

    Returns
    -------
    LayeredNetwork
        The same layers and groups, with permuted graphs. The result is deterministic, and resorting it changes nothing.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `network` is not a LayeredNetwork, or layers of a group share attention heads.

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
            f"network is a {type(network).__name__}: pass a LayeredNetwork, such as topology_of(model)"
        )
    outputs, inputs = {}, {}
    for group in network.groups:
        _reject_shared_heads(group, network)
        fan_in = np.sum([network[name].fan_in for name in group.writers], axis=0)
        fan_out = np.sum([network[name].fan_out for name in group.readers], axis=0)  # 0 without readers
        outputs.update(dict.fromkeys(group.writers, np.argsort(fan_in, kind="stable")))
        inputs.update(dict.fromkeys(group.readers, np.argsort(fan_out, kind="stable")))
    return LayeredNetwork(
        {name: _permuted(graph, inputs.get(name), outputs.get(name)) for name, graph in network.graphs.items()},
        network.groups,
    )


def _reject_shared_heads(group: NeuronGroup, network: LayeredNetwork) -> None:
    sizes = {name: network[name].n_out for name in group.writers} | {name: network[name].n_in for name in group.readers}
    if len(set(sizes.values())) > 1:
        quoted = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InvalidValueError(
            f"group {group} has shared attention heads ({quoted} neurons), for which no single order exists: resort "
            "supports only groups whose layers have the same number of neurons"
        )


def _permuted(graph: BipartiteGraph, inputs: Integers | None, outputs: Integers | None) -> BipartiteGraph:
    """Return a graph in which neuron j of a side is the old neuron ``order[j]``; None leaves a side unchanged."""
    adjacency = graph.to_scipy()
    input_names, output_names = graph.input_names, graph.output_names
    if inputs is not None:
        adjacency = adjacency[:, inputs]
        input_names = input_names and tuple(input_names[i] for i in inputs)
    if outputs is not None:
        adjacency = adjacency[outputs]
        output_names = output_names and tuple(output_names[o] for o in outputs)
    return BipartiteGraph(adjacency, input_names=input_names, output_names=output_names)
