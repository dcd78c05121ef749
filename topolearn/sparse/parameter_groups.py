"""Which parameters weight decay is for: the values of links are vectors, but weights all the same."""

from typing import Any

from torch import nn

from topolearn.sparse.linear import SparseLinear


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return two parameter groups for an optimizer: weights, with weight decay, and all others, without.

    Recipes that spare biases and norms tell them by their single dimension; the values of the links of the csr backend
    have one dimension too. Here weights are all parameters of two dimensions or more, and those values.

    Parameters
    ----------
    model : torch.nn.Module
    weight_decay : float
        That of the weights.

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
