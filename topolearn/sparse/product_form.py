"""Which form the products of sparse layers take: compiled for the CPU, or torch's."""

from importlib.util import find_spec
from types import ModuleType

from torch import Tensor

from topolearn.sparse import torch_products

COMPILED = find_spec("numba") is not None


def form_of(x: Tensor) -> ModuleType:
    """Return the products for a device: compiled ones for the CPU, torch's for any other, or without numba."""
    if not COMPILED or x.device.type != "cpu":
        return torch_products
    from topolearn.sparse import products

    return products
