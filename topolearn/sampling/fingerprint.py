"""A hash of a set of cells that can be updated at the cost of the change."""

import torch
from torch import Tensor

from topolearn.sampling.field import RandomField

_FIELD = RandomField(0, purpose="fingerprint")
MODULUS = 2**64


def fingerprint(cells: Tensor) -> int:
    """Return a hash of a set of cells, additive over disjoint sets modulo 2^64.

    Examples
    --------
    >>> (fingerprint(torch.tensor([3, 5])) + fingerprint(torch.tensor([4]))) % 2**64 == fingerprint(torch.arange(3, 6))
    True
    """
    return int(_FIELD.bits(cells.to(torch.int64)).sum()) % MODULUS
