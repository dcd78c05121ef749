"""The memory order of the outputs of csr layers."""

from collections.abc import Mapping, Sequence

from torch import nn

from topolearn.graph import NeuronGroup
from topolearn.sparse.csr import CsrLinear


def choose_layouts(layers: Mapping[str, nn.Module], groups: Sequence[NeuronGroup]) -> None:
    """Set the memory order of each csr layer's outputs to the one that their readers need.

    The order is feature-major where csr layers read the neurons one by one, as in the hidden layer of a Transformer:
    activations and dropout, called as modules or as functions, keep the order, and no layer has to transpose its
    inputs. Elsewhere the order is that of a dense layer, since attention, sums and normalisation take several times as
    long in any other.

    Parameters
    ----------
    layers : Mapping of str to torch.nn.Module
        The sparse layers of a model.
    groups : sequence of NeuronGroup
        The neuron groups between them.

    Examples
    --------
    >>> import topolearn as tl
    >>> g = tl.generators.erdos_renyi(8, 8, 0.3, seed=0)
    >>> layers = {name: tl.SparseLinear(8, 8, graph=g, backend="csr") for name in ("fc1", "fc2")}
    >>> choose_layouts(layers, [tl.NeuronGroup(("fc1",), ("fc2",))])
    >>> [layer.feature_major for layer in layers.values()]
    [True, False]
    """
    feeding = {
        name
        for group in groups
        if group.heads == 1 and group.readers and all(isinstance(layers[each], CsrLinear) for each in group.readers)
        for name in group.writers
    }
    for name, layer in layers.items():
        if isinstance(layer, CsrLinear):
            layer.feature_major = name in feeding
