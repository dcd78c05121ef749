"""In which order of memory csr layers hand on their outputs."""

from collections.abc import Mapping, Sequence

from torch import nn

from topolearn.graph import NeuronGroup
from topolearn.sparse.csr import CsrLinear


def choose_layouts(layers: Mapping[str, nn.Module], groups: Sequence[NeuronGroup]) -> None:
    """Tell each csr layer in which order of memory those who read its outputs want them.

    Feature-major where neurons meet csr layers one by one, as in the hidden layer of a Transformer: activations and
    dropout, called as modules or as functions, keep the order, and no layer has to transpose its inputs. Else as a
    dense layer has them: attention, sums and normalisation take several times as long over another order.

    Parameters
    ----------
    layers : Mapping of str to torch.nn.Module
        The sparse layers of a model.
    groups : sequence of NeuronGroup
        How their neurons meet.

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
