"""Which implementation computes the products of sparse layers: compiled ones for the CPU, or torch's."""

from functools import cache
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sparse.products import by_torch
from topolearn.sparse.products.index import LinkIndex

COMPILED = find_spec("numba") is not None


def form_of(x: Tensor) -> ModuleType:
    """Return the module with the products for a device: compiled ones for the CPU, torch's elsewhere or without numba.

    Raises
    ------
    InvalidValueError
        When torch has no sparse products for the device.
    """
    if not COMPILED or x.device.type != "cpu":
        check_products(x.device)
        return by_torch
    from topolearn.sparse.products import by_numba

    return by_numba


def check_products(device: torch.device) -> None:
    """Raise for a device on which layers of the csr backend cannot compute.

    Raises
    ------
    InvalidValueError
    """
    if not has_products(device):
        raise InvalidValueError(
            f"the csr backend cannot compute on {device}, for which torch has no sparse products: use "
            "backend='masked', or keep the model on the CPU"
        )


def has_products(device: torch.device) -> bool:
    """Return whether layers of the csr backend can compute on a device.

    Examples
    --------
    >>> has_products(torch.device("cpu"))
    True
    """
    return device.type == "cpu" or _offered(device.type)


@cache
def _offered(kind: str) -> bool:
    """Return whether torch has sparse products for a type of device, by trying those of a layer with one link."""
    one = torch.ones(1, 1, device=kind)
    links = LinkIndex.of_cells(torch.zeros(1, dtype=torch.int64, device=kind), 1, 1)
    try:
        with torch.no_grad():
            by_torch.outputs(links, one[0], None, one, relu=False)
            by_torch.gradients(links, one[0], one, one, need_dx=True, behind_relu=False)
    except NotImplementedError:
        return False
    return True
