"""The shard that a rank holds of a distributed tensor."""

import torch
from torch import Tensor


def local_of(tensor: Tensor) -> Tensor:
    """Return the shard of a ``DTensor`` that this rank holds, sharing its memory, or any other tensor as it is.

    Examples
    --------
    >>> tensor = torch.zeros(2)
    >>> local_of(tensor) is tensor
    True
    """
    if not hasattr(tensor, "to_local"):
        return tensor
    with torch.no_grad():
        shard: Tensor = tensor.to_local()
    return shard
