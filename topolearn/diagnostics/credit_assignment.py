"""Credit assignment paths: chains of links from a network's inputs to its outputs, and how many use only hubs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from graphlib import TopologicalSorter

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from topolearn.diagnostics.checks import check_fraction
from topolearn.diagnostics.reading import read_network
from topolearn.graph import LayeredNetwork
from topolearn.whole import ceil_of

Hubs = dict[int, NDArray[np.bool_]]  # the hubs of each hidden population, by the position of its first neuron
Scaled = tuple[NDArray[np.float64], int]  # values * 2**exponent: counts can be larger than any float
EXACT_BITS = 53  # counts up to 2**53 are exact in float64


@dataclass(frozen=True)
class CAP:
    """Credit assignment paths of a network.

    Attributes
    ----------
    paths, hub_paths : float
        The decimal logarithms of the number of paths from an input to an output, and of the number of paths that pass
        through hubs only. The former is the measure ``credit_paths``; -inf if there are no paths.
    n_paths, n_hub_paths : float
        The numbers themselves: exact up to 2^53, and infinite above 1e308, where the logarithms are still valid.
    share : float
        n_hub_paths / n_paths; 0 if there are no paths.
    hub_links : int
        The number of links that begin or end at a hub.
    """

    paths: float
    hub_paths: float
    n_paths: float
    n_hub_paths: float
    share: float
    hub_links: int


def credit_assignment_paths(network: LayeredNetwork, hub_fraction: float = 0.2) -> CAP:
    r"""Count the paths from the inputs of a network to its outputs, and those that pass through hubs only.

    .. math:: P = 1^T A_L \cdots A_2 A_1 1, \qquad P_{hub} = 1^T A_L H_{L-1} \cdots H_1 A_1 1

    with :math:`A_l` the adjacency of layer l, and :math:`H_l` diagonal, 1 at hubs. The hubs of a population of hidden
    neurons are the share ``hub_fraction`` with the most links, in and out. If several layers write to a population or
    read from it, the paths through each of them count; if their outputs are multiplied, paths pass only through
    neurons that all of them reach. Attention scores are not outputs. A shared head counts once for each head that uses
    it.

    Parameters
    ----------
    network : LayeredNetwork
    hub_fraction : float
        In (0, 1]; the number of hubs of a population is rounded up, and ties go to the first neurons.

    Returns
    -------
    CAP

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `network` is a single graph, or `hub_fraction` is not a number in its range.

    References
    ----------
    Zhang et al. (2024), "Epitopological learning and Cannistraci-Hebb network shape intelligence brain-inspired theory
    for ultra-sparse advantage in deep learning", ICLR, for the idea; its code does not count paths.

    Examples
    --------
    >>> import numpy as np, topolearn as tl
    >>> layer = tl.BipartiteGraph(np.ones((2, 2)))
    >>> cap = credit_assignment_paths(tl.LayeredNetwork({"a": layer, "b": layer}), hub_fraction=0.5)
    >>> cap.n_paths, cap.n_hub_paths, cap.share, cap.hub_links
    (8.0, 4.0, 0.5, 4)
    >>> round(cap.paths, 3)
    0.903
    """
    network = read_network(network, "credit_assignment_paths")
    hubs = _hubs(network, check_fraction("hub_fraction", hub_fraction, may_be_all=True))
    paths, hub_paths = _count(network, {}), _count(network, hubs)
    return CAP(
        paths=_log10(paths),
        hub_paths=_log10(hub_paths),
        n_paths=_number(paths),
        n_hub_paths=_number(hub_paths),
        share=_share(hub_paths, paths),
        hub_links=_hub_links(network, hubs),
    )


def _share(hub_paths: Scaled, paths: Scaled) -> float:
    return math.ldexp(hub_paths[0].item() / paths[0].item(), hub_paths[1] - paths[1]) if paths[0] else 0.0


def _number(count: Scaled) -> float:
    return math.ldexp(count[0].item(), count[1]) if count[1] < 1024 - EXACT_BITS else math.inf


def _log10(count: Scaled) -> float:
    return math.log10(count[0].item()) + count[1] * math.log10(2) if count[0] else -math.inf


def _count(network: LayeredNetwork, allowed: Mapping[int, NDArray[np.bool_]]) -> Scaled:
    """Return the number of paths whose hidden neurons are all allowed."""
    ways: dict[int, Scaled] = {}  # the paths to each neuron of a population
    into = _into(network)
    order = TopologicalSorter({place: {network.neurons[n][0].start for n in names} for place, names in into.items()})
    multiplied = {network.neurons[g.writers[0]][1].start for g in network.groups if g.combine == "all"}
    ends = set(into) - {inputs.start for inputs, _ in network.neurons.values()} - _scores(network)
    total: Scaled = (np.zeros(1), 0)
    for place in order.static_order():
        if place not in into:
            inputs = next(inputs for inputs, _ in network.neurons.values() if inputs.start == place)
            ways[place] = (np.ones(inputs.stop - inputs.start), 0)
        else:
            came = [_through(network.between(name), ways[network.neurons[name][0].start]) for name in into[place]]
            values, exponent = reduce(_added, came)
            is_reached = np.logical_and.reduce([each[0] > 0 for each in came]) if place in multiplied else 1
            ways[place] = values * is_reached * allowed.get(place, 1), exponent
        if place in ends:
            values, exponent = ways[place]
            total = _added(total, (values.sum(keepdims=True), exponent))
    return total


def _into(network: LayeredNetwork) -> dict[int, list[str]]:
    """Return the layers that write to each population."""
    into: dict[int, list[str]] = {}
    for name, (_, outputs) in network.neurons.items():
        into.setdefault(outputs.start, []).append(name)
    return into


def _scores(network: LayeredNetwork) -> set[int]:
    """Return the populations that no layer reads although they are not outputs: attention scores."""
    return {network.neurons[group.writers[0]][1].start for group in network.groups if not group.readers}


def _through(links: sparse.csr_array, ways: Scaled) -> Scaled:
    return _shifted(links.astype(np.float64) @ ways[0], ways[1])


def _shifted(values: NDArray[np.float64], exponent: int) -> Scaled:
    """Scale down values that exceed the exact integers, and raise the power of two accordingly."""
    bits = max(int(np.frexp(values.max(initial=0.0))[1]) - EXACT_BITS, 0)
    return (np.ldexp(values, -bits), exponent + bits) if bits else (values, exponent)


def _added(first: Scaled, second: Scaled) -> Scaled:
    exponent = max(first[1], second[1])
    a, b = (np.ldexp(values, own - exponent) for values, own in (first, second))
    return _shifted(a + b, exponent)


def _hubs(network: LayeredNetwork, fraction: float) -> Hubs:
    """Return a mask of the hubs of each hidden population."""
    degrees: dict[int, NDArray[np.int64]] = {}
    written, read = ({sides[i].start for sides in network.neurons.values()} for i in (1, 0))
    hidden = (written & read) | _scores(network)
    for name, sides in network.neurons.items():
        links = network.between(name).astype(np.int64)
        for side, axis in zip(sides, (0, 1), strict=True):
            if side.start in hidden:
                degrees[side.start] = degrees.get(side.start, 0) + links.sum(axis=axis)
    hubs = {}
    for place, degree in degrees.items():
        hubs[place] = np.zeros(degree.size, dtype=bool)
        hubs[place][np.argsort(-degree, kind="stable")[: ceil_of(fraction * degree.size)]] = True
    return hubs


def _hub_links(network: LayeredNetwork, hubs: Hubs) -> int:
    total = 0
    for name, (inputs, outputs) in network.neurons.items():
        o, i = network.between(name).nonzero()
        nowhere = np.zeros(network.n_neurons, dtype=bool)
        total += int((hubs.get(inputs.start, nowhere)[i] | hubs.get(outputs.start, nowhere)[o]).sum())
    return total


def credit_paths(network: LayeredNetwork) -> float:
    """Return the decimal logarithm of the number of credit assignment paths; see `credit_assignment_paths`."""
    return credit_assignment_paths(network).paths


def hub_share(network: LayeredNetwork) -> float:
    """Return the share of credit assignment paths that pass through hubs only; see `credit_assignment_paths`."""
    return credit_assignment_paths(network).share
