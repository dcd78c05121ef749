"""Random graphs with given degrees: join the stubs of both sides, and trade away repeated links."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_ROUNDS = 100
_HUB = 1 / 4  # share of the other side that makes a neuron a hub
_NO_CELLS = np.empty(0, dtype=np.int64)


def match_stubs(
    fan_out: Integers, fan_in: Integers, rng: np.random.Generator, *, kept: Integers = _NO_CELLS
) -> Integers:
    """Return the cells of a random graph with exactly these degrees.

    Every neuron has as many stubs (ends of links) as its degree, minus those of the given links; the stubs of the two
    sides are joined at random (the configuration model). A repeated link then trades ends with a random other link,
    ``(i, o), (i', o') -> (i, o'), (i', o)``, if neither new link exists yet, which keeps all degrees; each round
    handles all repeated links at once.

    Trades have little room in two kinds of graphs. If more than half of the cells are links, the empty cells are drawn
    instead. And neurons linked to more than a quarter of the other side are drawn first, one by one: each draws its
    partners without replacement, in proportion to the stubs they have left. If this would make the rest impossible, it
    takes the partners with the most stubs left, which never does (Gale, Ryser). If there are many such neurons, or
    repeated links remain after 100 rounds, all neurons of the smaller side are drawn this way. Time and memory are
    proportional to the number of links; each neuron drawn individually takes time proportional to the number of
    neurons.

    Parameters
    ----------
    fan_out : array of int64, shape (n_in,)
        Degrees of the input neurons.
    fan_in : array of int64, shape (n_out,)
        Degrees of the output neurons, with the same sum; together they must satisfy the theorem of Gale and Ryser.
    rng : numpy.random.Generator
        The source of the draws.
    kept : array of int64
        Cells of links to start from. As many stay as the degrees allow, except those of neurons drawn individually and
        those that trade ends; none stay if the empty cells are drawn.

    Returns
    -------
    array of int64, shape (n_links,)
        Cells ``output * n_in + input``, sorted.

    References
    ----------
    Gale (1957), "A theorem on flows in networks"; Ryser (1957), "Combinatorial properties of matrices of zeros and
    ones"; Maslov, Sneppen (2002), "Specificity and stability in topology of protein networks", for the trade.

    Examples
    --------
    >>> match_stubs(np.array([1, 2, 1]), np.array([3, 1]), np.random.default_rng(0)).tolist()
    [0, 1, 2, 4]
    """
    n_in, n_out = fan_out.size, fan_in.size
    if n_out > n_in:
        cells = match_stubs(fan_in, fan_out, rng, kept=kept % n_in * n_out + kept // n_in)
        return np.sort(cells % n_out * n_in + cells // n_out)
    if 2 * fan_in.sum() > n_in * n_out:
        links = np.ones(n_in * n_out, dtype=bool)
        links[match_stubs(n_out - fan_out, n_in - fan_in, rng)] = False
        return np.flatnonzero(links)
    if np.count_nonzero(fan_out > _HUB * n_out) > n_out:
        return _draw(fan_out, fan_in, kept, 0, rng)
    cells = _draw(fan_out, fan_in, kept, _HUB, rng)
    return _draw(fan_out, fan_in, kept, 0, rng) if _repeated(cells).any() else cells


def gale_ryser_room(degree: Integers, n: int) -> Integers:
    """Return how many neurons have at least 1, 2, ... n links, which bounds the degrees of n neurons on the other side.

    The theorem of Gale and Ryser: degrees of the other side are possible if and only if their k largest add up to at
    most the first k of these numbers, for every k, and the totals are equal.

    Examples
    --------
    >>> gale_ryser_room(np.array([1, 2, 1]), 2).tolist()
    [3, 1]
    """
    return degree.size - np.cumsum(np.bincount(np.minimum(degree, n), minlength=n + 1))[:-1]


def _draw(fan_out: Integers, fan_in: Integers, kept: Integers, hub: float, rng: np.random.Generator) -> Integers:
    """Return sorted cells with these degrees, of which some may still be repeated."""
    n_in, n_out = fan_out.size, fan_in.size
    left_out, left_in = fan_out.copy(), fan_in.copy()
    to_hubs = _draw_hubs(left_out, left_in, hub, rng)
    from_hubs = _draw_hubs(left_in, left_out, hub, rng)
    kept = kept[_fitting(kept % n_in, left_out, rng) & _fitting(kept // n_in, left_in, rng)]
    inputs = np.repeat(np.arange(n_in), left_out - np.bincount(kept % n_in, minlength=n_in))
    outputs = np.repeat(np.arange(n_out), left_in - np.bincount(kept // n_in, minlength=n_out))
    rng.shuffle(inputs)
    cells = _trade_repeated(np.sort(np.concatenate((kept, outputs * n_in + inputs))), n_in, rng)
    if not to_hubs.size and not from_hubs.size:
        return cells
    return np.sort(np.concatenate((cells, to_hubs, from_hubs % n_out * n_in + from_hubs // n_out)))


def _draw_hubs(left: Integers, degree: Integers, hub: float, rng: np.random.Generator) -> Integers:
    """Draw the links of all hubs as ``hub * left.size + partner``, and remove their stubs from both arrays."""
    order = np.argsort(-degree, kind="stable")
    in_order = degree[order]
    links = [_NO_CELLS]
    for k in range(np.count_nonzero(degree > hub * left.size)):
        # The first exponential clocks with these rates to ring are a draw without replacement, by stubs left.
        clocks = np.full(left.size, np.inf)
        np.divide(rng.standard_exponential(left.size), left, out=clocks, where=left > 0)
        partners = np.argpartition(clocks, in_order[k] - 1)[: in_order[k]]
        left[partners] -= 1
        rest = in_order[k + 1 :]
        if (np.cumsum(rest) > np.cumsum(gale_ryser_room(left, rest.size))).any():
            left[partners] += 1
            partners = np.argsort(rng.random(left.size) - left)[: in_order[k]]
            left[partners] -= 1
        links.append(order[k] * left.size + partners)
        degree[order[k]] = 0
    return np.concatenate(links)


def _fitting(neurons: Integers, room: Integers, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose at most ``room[v]`` of the positions of each neuron v, at random."""
    chosen = np.ones(neurons.size, dtype=bool)
    crowded = np.bincount(neurons, minlength=room.size) > room
    at = rng.permutation(np.flatnonzero(crowded[neurons]))
    at = at[np.argsort(neurons[at], kind="stable")]
    rank = np.arange(at.size) - np.searchsorted(neurons[at], neurons[at])
    chosen[at] = rank < room[neurons[at]]
    return chosen


def _trade_repeated(cells: Integers, n_in: int, rng: np.random.Generator) -> Integers:
    """Let repeated links trade their inputs with others until none is left or the rounds are over."""
    for _ in range(_ROUNDS):
        repeated = _repeated(cells)
        if not repeated.any():
            break
        first, others = np.flatnonzero(repeated), np.flatnonzero(~repeated)
        second = rng.choice(others, min(first.size, others.size), replace=False)
        first = rng.permutation(first)[: second.size]
        from_first, from_second = cells[first] % n_in, cells[second] % n_in
        difference = from_second - from_first
        made = np.stack((cells[first] + difference, cells[second] - difference))
        place = np.minimum(np.searchsorted(cells, made), cells.size - 1)
        made_twice = np.sort(made, axis=None)
        made_twice = made_twice[_repeated(made_twice)]
        accepted = ((cells[place] != made) & ~np.isin(made, made_twice)).all(axis=0)
        left = np.delete(cells, np.concatenate((first[accepted], second[accepted])))
        added = np.sort(made[:, accepted], axis=None)
        cells = np.insert(left, np.searchsorted(left, added), added)
    return cells


def _repeated(in_order: Integers) -> NDArray[np.bool_]:
    """Return which cells of a sorted array equal the one before."""
    return np.concatenate((np.zeros(min(in_order.size, 1), dtype=bool), in_order[1:] == in_order[:-1]))
