"""What the scores of all cells need, and what a device has."""

import math
import os

import torch

from topolearn.errors import InvalidValueError
from topolearn.linkpred.form_names import COMMUNITY


def memory_of(device: torch.device) -> int:
    """Return the bytes a device can hold: free ones of a GPU, all physical ones of the machine for the CPU."""
    if device.type == "cuda":
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + idle
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def dense_bytes(shape: tuple[int, ...], itemsize: int) -> int:
    """Return the bytes of a dense form at its peak: the mask, the adjacency, the scores and two temporaries.

    Examples
    --------
    >>> dense_bytes((1000, 2000), itemsize=8)
    66000000
    """
    return math.prod(shape) * (1 + 4 * itemsize)


def compiled_bytes(shape: tuple[int, int], itemsize: int, form: str, *, per_path: bool) -> int:
    """Return the bytes of a compiled form: the scores, and the weights of pairs of inputs where it needs them.

    Examples
    --------
    >>> [compiled_bytes((1000, 2000), 8, form, per_path=True) for form in ("stream", "community")]
    [16000000, 48000000]
    """
    weights = shape[1] ** 2 if form == COMMUNITY and per_path else 0
    return (math.prod(shape) + weights) * itemsize


def check_memory(needed: int, device: torch.device, shape: tuple[int, ...]) -> None:
    """Refuse what would not fit into the memory of a device.

    Raises
    ------
    InvalidValueError
    """
    available = memory_of(device)
    if needed > available:
        raise InvalidValueError(
            f"the scores of a graph of {' x '.join(map(str, shape))} neurons need {needed} bytes "
            f"({needed / 2**30:.1f} GiB), but {device} has {available} ({available / 2**30:.1f} GiB): "
            "use linkpred.select, which needs memory for the links and the k best only, or dtype='float32'"
        )
