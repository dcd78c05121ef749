"""Estimate the memory that scores need, and check it against the device."""

import math
import os

import torch

from topolearn.errors import InvalidValueError
from topolearn.linkpred.form_names import COMMUNITY

SELECT = "use linkpred.select, which needs memory only for the links and the k best, or dtype='float32'"
STREAM_IT = "use form='stream' on the CPU, which needs memory only for the links and the k best, or dtype='float32'"


def memory_of(device: torch.device) -> int:
    """Return the bytes available: free memory of a GPU, or all physical memory of the machine for the CPU."""
    if device.type == "cuda":
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + idle
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def dense_bytes(shape: tuple[int, ...], itemsize: int) -> int:
    """Return the peak bytes of the dense form: the mask, the adjacency, the scores and two temporaries.

    Examples
    --------
    >>> dense_bytes((1000, 2000), itemsize=8)
    66000000
    """
    return math.prod(shape) * (1 + 4 * itemsize)


def compiled_bytes(shape: tuple[int, int], itemsize: int, form: str, *, per_path: bool) -> int:
    """Return the bytes of a compiled form: the scores, and the weights of pairs of inputs if it needs them.

    Examples
    --------
    >>> [compiled_bytes((1000, 2000), 8, form, per_path=True) for form in ("stream", "community")]
    [16000000, 48000000]
    """
    weights = shape[1] ** 2 if form == COMMUNITY and per_path else 0
    return (math.prod(shape) + weights) * itemsize


def check_memory(needed: int, device: torch.device, shape: tuple[int, ...], cure: str = SELECT) -> None:
    """Raise an error if the scores do not fit into the memory of a device; the message ends with `cure`.

    Raises
    ------
    InvalidValueError
    """
    available = memory_of(device)
    if needed > available:
        raise InvalidValueError(
            f"the scores of a graph of {' x '.join(map(str, shape))} neurons need {needed} bytes "
            f"({needed / 2**30:.1f} GiB), but {device} has {available} ({available / 2**30:.1f} GiB): "
            f"{cure}"
        )
