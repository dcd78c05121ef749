"""The modules that `sparsify` does not support and leaves dense, and their share of a model."""

from __future__ import annotations

import warnings
from collections import Counter

from torch import nn
from torch.nn.parameter import is_lazy

from topolearn.sparse import is_dense_linear


def warn_of_unknown(model: nn.Module) -> None:
    """Warn about modules other than linear layers that have matrices among their parameters and stay dense.

    Biases, norms and other vectors cannot have links, and linear layers are either made sparse or excluded by the
    user, so a model without other parameters gives no warning.
    """
    shares = unknown_shares(model)
    if shares:
        (first, most), *others = ((kind, _percent(share)) for kind, share in shares.items())
        kinds = ", ".join([f"{first} ({most} of the parameters)", *(f"{kind} ({share})" for kind, share in others)])
        warnings.warn(f"sparsify leaves dense all modules other than linear layers: {kinds}", stacklevel=3)


def unknown_shares(model: nn.Module) -> dict[str, float]:
    """Return the classes of modules with parameters of two or more dimensions, and their shares, largest first.

    Examples
    --------
    >>> unknown_shares(nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.Flatten(), nn.Linear(6, 3, bias=False)))
    {'Conv2d': 0.5}
    """
    counted: set[int] = set()
    sizes: Counter[str] = Counter()
    for module in model.modules():
        if is_dense_linear(module):  # includes the parameters that its weight is computed from
            counted |= {id(parameter) for parameter in module.parameters()}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            if id(parameter) not in counted and not is_lazy(parameter) and parameter.dim() >= 2:
                counted.add(id(parameter))
                sizes[type(module).__name__] += parameter.numel()
    total = sum(parameter.numel() for parameter in model.parameters() if not is_lazy(parameter))
    return {kind: size / total for kind, size in sizes.most_common()}


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %") if share >= 0.01 else "under 1 %"
