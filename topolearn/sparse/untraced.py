"""What torch.compile must not look into: addresses and versions of tensors, which do not exist while it looks.

A module of its own, imported at the first call, as it loads torch's compiler.
"""

from collections.abc import Callable
from typing import Any

import torch

from topolearn.sparse.chain_node import Chain

apply_chain = torch.compiler.disable(Chain.apply)


@torch.compiler.disable
def call(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function outside of what is compiled."""
    return function(*args)
