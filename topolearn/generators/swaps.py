"""Rounds of swaps of links, all at once: what null models of layers and of one-mode graphs share."""

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]

MOVES = 20  # how often each link changes its end, on average
SHARE = 0.9  # of the pairs of links that propose a swap in each round


def may_swap(cells: np.ndarray, old: Pair, new: Pair) -> np.ndarray:
    """Return which pairs can swap, all at once, without making a link twice or deciding another pair's swap.

    These are the pairs whose four cells, old and new, occur once each among all links and all new cells.
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
