"""What a file may say of sizes: nothing is made that cannot be, or would not fit into the memory."""

import os
from typing import Any

SIDE = 2**31  # more neurons than a side has
PER_NEURON = 32  # bytes that a graph takes, about


def check_sizes(name: str, shape: Any) -> tuple[int, int]:
    """Return the shape (n_out, n_in) of a layer, or refuse one that no layer has.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_sizes("fc1", [10**12, 3])
    Traceback (most recent call last):
    ValueError: layer 'fc1' is said to have the sizes [1000000000000, 3], and none has
    """
    is_pair = (
        isinstance(shape, list | tuple) and len(shape) == 2 and all(type(n) is int and 0 < n < SIDE for n in shape)
    )
    if not is_pair or sum(shape) * PER_NEURON > usable_memory() / 2:
        raise ValueError(f"layer {name!r} is said to have the sizes {shape!r:.60}, and none has")
    return shape[0], shape[1]


def usable_memory() -> int:
    """Return the bytes of memory that this machine has, or lets this process have."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**63
    try:
        import resource  # which Windows lacks
    except ImportError:
        return memory
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return memory if limit == resource.RLIM_INFINITY else min(memory, limit)
