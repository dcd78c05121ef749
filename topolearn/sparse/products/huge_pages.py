"""Memory for the activations of very wide layers, on large pages where the system has them."""

import ctypes
import sys
from functools import cache
from typing import Any

from torch import Tensor

LEAST = 2**25  # bytes above which glibc maps fresh memory for each tensor
PAGE, ADVICE = 2**21, 14  # bytes of a large page, and MADV_HUGEPAGE


def on_huge_pages(tensor: Tensor) -> Tensor:
    """Return a tensor that has not been written to yet, with its memory on pages of 2 MiB if it is large.

    Links read rows of a wide layer anywhere in a hundred megabytes; with small pages, most reads miss the processor's
    TLB. Systems without large pages, or that decide on their own, ignore this.

    Examples
    --------
    >>> import torch
    >>> on_huge_pages(torch.empty(2)).shape
    torch.Size([2])
    """
    if tensor.nbytes >= LEAST and tensor.device.type == "cpu" and (madvise := _madvise()) is not None:
        begin = -(-tensor.data_ptr() // PAGE) * PAGE
        size = (tensor.data_ptr() + tensor.nbytes - begin) // PAGE * PAGE
        madvise(begin, size, ADVICE)
    return tensor


@cache
def _madvise() -> Any:
    """Return Linux's ``madvise``, or None on other systems."""
    if sys.platform != "linux":
        return None
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    return madvise
