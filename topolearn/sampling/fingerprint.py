"""A number for a set of cells, which tells sets apart and follows their changes at the cost of the change."""

import torch
from torch import Tensor

from topolearn.sampling.field import RandomField

_FIELD = RandomField(0, purpose="fingerprint")
MODULUS = 2**64


def fingerprint(cells: Tensor) -> int:
    """Return a number that tells sets of cells apart, and adds up over disjoint ones, modulo 2^64.

    Examples
    --------
    >>> (fingerprint(torch.tensor([3, 5])) + fingerprint(torch.tensor([4]))) % 2**64 == fingerprint(torch.arange(3, 6))
    True
    """
    return int(_FIELD.bits(cells.to(torch.int64)).sum()) % MODULUS
