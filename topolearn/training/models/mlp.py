"""The multilayer perceptron of the paper."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn


def mlp(n_features: int, hidden: Sequence[int], n_classes: int, *, hidden_device: str | None = None) -> nn.Sequential:
    """Return the paper's MLP: linear layers with ReLU between them, and a linear head.

    Parameters
    ----------
    n_features : int
        Number of inputs.
    hidden : sequence of int
        Width of each hidden layer; layers are called ``hidden1``, ``hidden2``, ..., and the last one ``head``.
    n_classes : int
        Number of outputs.
    hidden_device : str, optional
        Device on which the hidden layers are created; on "meta" they take no memory until they are made sparse.

    Examples
    --------
    >>> [name for name, _ in mlp(64, [128, 128], 10).named_children()]
    ['hidden1', 'relu1', 'hidden2', 'relu2', 'head']
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (n_in, n_out) in enumerate(zip([n_features, *hidden], hidden, strict=False), start=1):
        layers[f"hidden{i}"] = nn.Linear(n_in, n_out, device=hidden_device)
        layers[f"relu{i}"] = nn.ReLU()
    layers["head"] = nn.Linear(hidden[-1], n_classes)
    return nn.Sequential(layers)
