"""Parameter groups for weight decay, in which the values of links count as weights although they are vectors."""

from typing import Any

from torch import nn

from topolearn.sparse.linear import SparseLinear


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return two parameter groups for an optimizer: weights, with weight decay, and all others, without.

    The usual recipes exempt biases and norms, which they recognise by their single dimension, but the link values of
    the csr backend are one-dimensional too. Here, weights are these values and all parameters with two dimensions or
    more.

    Parameters
    ----------
    model : torch.nn.Module
    weight_decay : float
        The weight decay of the weights.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> mlp = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 2))
    >>> model = tl.sparsify(mlp, tl.method("set", density=0.5), backend="csr")
    >>> groups = tl.parameter_groups(model, weight_decay=0.01)
    >>> [(len(group["params"]), group["weight_decay"]) for group in groups]
    [(2, 0.01), (2, 0.0)]
    """
    links = {id(module.link_parameter) for module in model.modules() if isinstance(module, SparseLinear)}
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    weights = [each for each in parameters if each.dim() > 1 or id(each) in links]
    others = [each for each in parameters if each.dim() <= 1 and id(each) not in links]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
