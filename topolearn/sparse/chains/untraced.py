"""Code that torch.compile must not trace: it uses addresses and versions of tensors, which do not exist in a trace.

This is a separate module, imported at the first call, because it loads torch's compiler.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from topolearn.sparse.chains.node import Chain
from topolearn.sparse.chains.shared_transpose import shared_transpose
from topolearn.sparse.chains.twice_differentiable import Spec


@torch.compiler.disable
def apply_chain(x: Tensor, spec: Spec, feature_major: bool, *parameters: Tensor | None) -> Tensor:
    """Return the outputs of a chain, shape (n_out, n) if feature-major, else (n, n_out), for inputs (..., n_in)."""
    batch = x if x.dim() == 2 else x.reshape(-1, x.shape[-1])
    y: Tensor = Chain.apply(batch, shared_transpose(x, batch), spec, feature_major, *parameters)
    return y


@torch.compiler.disable
def call(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function outside of the compiled graph."""
    return function(*args)
