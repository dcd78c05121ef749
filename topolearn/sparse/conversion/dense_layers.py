"""The dense layers that sparse ones can replace: `torch.nn.Linear`, and the transposed layer of GPT-2."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from topolearn.sparse.linear import SparseLinear

CONV1D = "Conv1D"  # Hugging Face's class, recognised by name and attributes since transformers is not imported


def is_linear(module: nn.Module) -> bool:
    """Return whether a module is a linear layer, sparse or dense.

    Examples
    --------
    >>> is_linear(nn.Linear(2, 3)), is_linear(nn.Conv1d(2, 3, 1))
    (True, False)
    """
    return isinstance(module, SparseLinear) or is_dense_linear(module)


def is_dense_linear(module: nn.Module) -> bool:
    """Return whether a module is a dense linear layer, whatever state it is in."""
    return not isinstance(module, SparseLinear) and (isinstance(module, nn.Linear) or is_conv1d(module))


def is_conv1d(module: nn.Module) -> bool:
    """Return whether a module is the ``Conv1D`` of GPT-2: a linear layer whose weight has the shape (inputs, outputs).

    Its class or one of its base classes has that name, and the attributes ``nx`` and ``nf`` are its numbers of inputs
    and outputs.
    """
    sizes = (getattr(module, "nx", None), getattr(module, "nf", None))
    return _conv1d_class(type(module)) is not None and all(isinstance(size, int) for size in sizes)


def plain_class(module: nn.Module) -> type[nn.Module]:
    """Return the class whose ``forward`` a dense linear layer must have: `torch.nn.Linear` or ``Conv1D``."""
    return _conv1d_class(type(module)) or nn.Linear


def shape_of(module: nn.Module) -> tuple[int, int]:
    """Return the numbers of outputs and inputs of a linear layer.

    Examples
    --------
    >>> shape_of(nn.Linear(2, 3))
    (3, 2)
    """
    sizes: Any = module
    return (sizes.nf, sizes.nx) if is_conv1d(module) else (sizes.out_features, sizes.in_features)


def weight_of(module: nn.Module) -> Tensor:
    """Return the weight of a dense linear layer, detached, shape (n_out, n_in)."""
    weight = module.get_parameter("weight").detach()
    return weight.t() if is_conv1d(module) else weight


def dense_layer(layer: SparseLinear) -> nn.Module:
    """Return a dense layer of the class that a sparse one replaced, with the sparse layer's weight and no bias.

    The ``__init__`` of that class does not run, since its arguments are unknown, and nothing is drawn.
    """
    kind = layer.dense_class
    dense: Any = kind.__new__(kind)
    nn.Module.__init__(dense)
    weight = layer.dense_weight()
    if _conv1d_class(kind) is None:
        dense.in_features, dense.out_features = layer.in_features, layer.out_features
    else:
        dense.nx, dense.nf = layer.in_features, layer.out_features
        weight = weight.t().contiguous()
    dense.weight = nn.Parameter(weight)
    dense.register_parameter("bias", None)
    return dense


def own_layout(layer: SparseLinear, weight: Tensor) -> Tensor:
    """Return a weight in the layout of the dense layer that a sparse one replaced as (n_out, n_in), contiguous."""
    return weight if _conv1d_class(layer.dense_class) is None else weight.t().contiguous()


def _conv1d_class(kind: type[nn.Module]) -> type[nn.Module] | None:
    return next((each for each in kind.__mro__ if each.__name__ == CONV1D and issubclass(each, nn.Module)), None)
