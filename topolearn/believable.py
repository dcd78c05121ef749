"""Plausible sizes: nothing is allocated for a layer that cannot exist or would not fit into memory."""

import os
from typing import Any

SIDE = 2**31  # more neurons than any side of a layer has
PER_NEURON = 32  # approximate bytes per neuron of a graph


def check_sizes(name: str, shape: Any) -> tuple[int, int]:
    """Return the shape (n_out, n_in) of a layer, or raise an error if no layer can have it.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_sizes("fc1", [10**12, 3])
    Traceback (most recent call last):
    ValueError: layer 'fc1' has impossible sizes: [1000000000000, 3]
    """
    is_pair = (
        isinstance(shape, list | tuple) and len(shape) == 2 and all(type(n) is int and 0 < n < SIDE for n in shape)
    )
    if not is_pair or sum(shape) * PER_NEURON > usable_memory() / 2:
        raise ValueError(f"layer {name!r} has impossible sizes: {shape!r:.60}")
    return shape[0], shape[1]


def usable_memory() -> int:
    """Return the memory of this machine in bytes, or this process's limit if that is lower."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**63
    try:
        import resource  # not available on Windows
    except ImportError:
        return memory
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return memory if limit == resource.RLIM_INFINITY else min(memory, limit)
