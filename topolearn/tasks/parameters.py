"""The number of parameters of a model with sparse layers."""

from collections.abc import Collection

from torch import nn

from topolearn.sparse import sparse_layers


def n_parameters(model: nn.Module, idle: Collection[str] = ()) -> int:
    """Return the number of parameters; sparse layers count their links only.

    Parameters
    ----------
    model : torch.nn.Module
    idle : collection of str
        Names of unused parameters, which are not counted.

    Examples
    --------
    >>> import topolearn as tl
    >>> model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5))
    >>> n_parameters(tl.sparsify(model, tl.method("set", density=0.1)))  # 20 + 20, 100 + 5
    145
    """
    n_links = {id(layer.link_parameter): layer.n_links for layer in sparse_layers(model).values()}
    used = [each for name, each in model.named_parameters() if name not in idle]
    return sum(n_links.get(id(each), each.numel()) for each in used)
