"""Simultaneous swaps of links, shared by the null models of layers and of one-mode graphs."""

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]

MOVES = 20  # times that each link changes an end, on average
SHARE = 0.9  # of the pairs of links, which propose a swap in each round


def may_swap(cells: np.ndarray, old: Pair, new: Pair) -> np.ndarray:
    """Return which pairs can swap simultaneously, without repeating a link or affecting the swap of another pair.

    These are the pairs whose four cells, old and new, each occur once among all links and all new cells.
    """
    occupied = np.concatenate((cells, *new))
    occupied.sort()
    twice = occupied[1:][occupied[1:] == occupied[:-1]]
    if not twice.size:
        return np.ones(old[0].shape, dtype=bool)
    return ~(_among(old[0], twice) | _among(old[1], twice) | _among(new[0], twice) | _among(new[1], twice))


def _among(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Return which values are in an ordered array that is not empty."""
    return ordered[np.minimum(np.searchsorted(ordered, values), ordered.size - 1)] == values
