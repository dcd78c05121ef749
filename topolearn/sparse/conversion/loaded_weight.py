"""Loading the weight of a dense layer, which must be zero off the links, into a sparse layer."""

import torch
from torch import Tensor

from topolearn.sparse.conversion.dense_layers import own_layout
from topolearn.sparse.linear import SparseLinear

ON_META = "is on the meta device, which holds no links: call model.to_empty(device=...) before load_state_dict"


def off_links(n_off: int) -> str:
    """Return the message for a weight with non-zero values off the links."""
    return (
        f"weight has {n_off} non-zero weights off the links of the layer: load the topology first "
        "(TopologyScheduler.load_state_dict), or load the weights before sparsify(model, method, init='keep')"
    )


def values_of(layer: SparseLinear, weight: Tensor) -> Tensor | str:
    """Return the values of a layer's links from the weight of the dense layer that it replaced, or an error message.

    Examples
    --------
    >>> import numpy as np, topolearn as tl
    >>> layer = tl.SparseLinear(2, 2, graph=tl.BipartiteGraph(np.eye(2)), backend="csr")
    >>> values_of(layer, torch.tensor([[2.0, 0.0], [0.0, 3.0]]))
    tensor([2., 3.])
    >>> values_of(layer, torch.ones(2, 2)).split(":")[0]
    'weight has 2 non-zero weights off the links of the layer'
    """
    weight = own_layout(layer, weight)
    if tuple(weight.shape) != layer.shape:
        return f"weight has shape {tuple(weight.shape)}, but this layer needs {layer.shape}"
    values = weight.flatten()[layer.cells().to(weight.device)]
    n_off = int(torch.count_nonzero(weight)) - int(torch.count_nonzero(values))
    return off_links(n_off) if n_off else values
