"""Paths through a whole network: credit assignment paths through hubs, and the strongest paths of a trained network."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray
from torch import nn

from topolearn.checks import listed
from topolearn.diagnostics import credit_assignment_paths
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph, LayeredNetwork
from topolearn.plotting.drawing.style import axes_or_new, colours_of, layer_ticks, percent, style_for
from topolearn.plotting.strongest import Weights, as_matrix, find_strongest
from topolearn.whole import ceil_of

MOST_LINKS = 2000  # maximum number of links drawn; of more, an even share is drawn
MOST_NEURONS = 2000  # of a column, likewise
MOST_DIGITS = 6  # the largest decimal logarithm of a number that is written out in digits


def hubs(network: LayeredNetwork, ax: Axes | None = None, *, hub_fraction: float = 0.2) -> Axes:
    """Plot a chain of layers as columns of neurons, with its hubs and the links between them.

    Parameters
    ----------
    network : LayeredNetwork
        A chain of layers, such as ``topology_of(model)`` of an MLP.
    ax : Axes, optional
        Where to draw; default a new figure.
    hub_fraction : float
        The share of the neurons in each hidden column, those with the most links, that count as hubs.

    Returns
    -------
    Axes
        Neurons with more links are higher up; links between hubs are drawn on top of all others. The title gives the
        share of credit assignment paths that pass through hubs only.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `network` is not a chain of layers, or `hub_fraction` is out of range.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> layer = make("bsf", 30, 30, 0.1, seed=0)
    >>> ax = hubs(LayeredNetwork({"a": layer, "b": layer}))
    """
    layers = _chain(network)
    cap = credit_assignment_paths(network, hub_fraction)
    degrees = _degrees(layers)
    rank = [np.argsort(np.argsort(-degree, kind="stable")) for degree in degrees]
    is_hub = [place < ceil_of(hub_fraction * place.size) for place in rank]
    is_hub[0], is_hub[-1] = np.ones_like(is_hub[0]), np.ones_like(is_hub[-1])  # any input and output may end a path
    with style_for(ax):
        ax = axes_or_new(ax, width=2.2 + 1.6 * len(layers), height=4.6)
        inks = colours_of(ax)
        for column, g in enumerate(layers):
            i, o = g.edges().T
            through = is_hub[column][i] & is_hub[column + 1][o]
            ends = np.column_stack([_height(rank[column])[i], _height(rank[column + 1])[o]])
            _draw_links(ax, column, ends[~through], color=inks.other, alpha=0.12, linewidth=0.4)
            _draw_links(ax, column, ends[through], color=inks.link, alpha=0.25, linewidth=0.6)
        for column, place in enumerate(rank):
            hidden = 0 < column < len(layers)
            shown = np.flatnonzero(place % max(1, -(-place.size // MOST_NEURONS)) == 0)
            colours = np.where(is_hub[column][shown] & hidden, inks.hub, inks.other)
            ax.scatter(np.full(shown.size, column), _height(place)[shown], s=6, c=colours, linewidths=0, zorder=3)
        _label_columns(ax, network)
        paths = f"{percent(cap.share)} of {_in_digits(cap.paths)} paths use only hubs" if cap.n_paths else "no paths"
        ax.set_title(f"hubs: {percent(hub_fraction)} of hidden neurons; {paths}", fontsize="small")
    return ax


def strongest_paths(
    weights: Sequence[Weights] | nn.Module, k: int = 20, ax: Axes | None = None, *, names: Sequence[str] | None = None
) -> Axes:
    r"""Plot the paths from input to output of an MLP with the largest products of absolute weights.

    .. math:: s(p) = \prod_l |W^{(l)}_{p_l, p_{l-1}}|

    Parameters
    ----------
    weights : torch.nn.Module, or sequence of arrays, tensors, or sparse arrays of scipy, shape (n_out, n_in)
        A model whose linear layers, sparse or dense, form a chain; or the weights of the layers in order, each layer's
        inputs being the outputs of the previous one, 0 where there is no link.
    k : int
        Number of paths, at least 1.
    ax : Axes, optional
        Where to draw; default a new figure.
    names : sequence of str, optional
        Names of the columns of neurons, one more than layers.

    Returns
    -------
    Axes
        With a line for each path; the strongest is the darkest and drawn last.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `k` is not an integer of at least 1, shapes or the number of names do not match, a weight is not finite, or
        no path has a nonzero product.

    Examples
    --------
    >>> ax = strongest_paths([np.eye(4), np.ones((2, 4))], k=3)
    >>> len(ax.lines)
    3
    """
    if isinstance(weights, nn.Module):
        layers = linear_weights(weights)
        names, weights = names or ["inputs", *layers], list(layers.values())
    if not isinstance(weights, Iterable):
        raise InvalidTypeError(f"weights={weights!r}: pass a model, or a sequence with the weights of each layer")
    matrices = [as_matrix(w) for w in weights]
    strongest = find_strongest(matrices, k)
    sizes = [matrices[0].shape[1], *(w.shape[0] for w in matrices)]
    columns = [f"{size:,}" for size in sizes] if names is None else listed(names)
    if len(columns) != len(sizes):
        raise InvalidValueError(f"names={columns} has {len(columns)} names for {len(sizes)} columns: pass one for each")
    top = strongest[0][0]
    with style_for(ax):
        ax = axes_or_new(ax, width=2.2 + 1.6 * len(matrices), height=4.6)
        inks = colours_of(ax)
        for strength, path in reversed(strongest):
            heights = [-node / max(size - 1, 1) for node, size in zip(path, sizes, strict=True)]
            share = math.exp(strength - top)
            ax.plot(range(len(path)), heights, color=inks.link, alpha=0.15 + 0.85 * share, linewidth=0.6 + 2 * share)
        for column, size in enumerate(sizes):
            used = sorted({path[column] for _, path in strongest})
            ax.scatter(
                [column] * len(used), [-node / max(size - 1, 1) for node in used], s=14, color=inks.hub, zorder=3
            )
        layer_ticks(ax, range(len(sizes)), columns)
        ax.set(yticks=[], ylim=(-1.05, 0.05), xlabel="neurons of each layer, first at the top")
        ax.grid(visible=False)
        ax.set_title(f"The {len(strongest)} strongest paths")
    return ax


def linear_weights(model: nn.Module) -> dict[str, NDArray[np.float64]]:
    """Return the weights of the linear layers of a model, sparse or dense, by name and in order."""
    weights: dict[str, NDArray[np.float64]] = {}
    for name, layer in model.named_modules():
        known = getattr(layer, "dense_weight", None)
        if known is None and not isinstance(layer, nn.Linear):
            continue
        weight = known() if callable(known) else layer.weight
        weights[name or "outputs"] = weight.detach().to("cpu", torch.float64).numpy()
    if not weights:
        raise InvalidValueError(f"{type(model).__name__} has no linear layer, so there are no paths to draw")
    return weights


def _chain(network: LayeredNetwork) -> list[BipartiteGraph]:
    """Return the layers of a network, which must form a chain."""
    if not isinstance(network, LayeredNetwork):
        raise InvalidTypeError(f"{network!r} is not a network: pass LayeredNetwork(graphs), or topology_of(model)")
    names = list(network)
    links = [(group.writers, group.readers) for group in network.groups]
    if links != [((a,), (b,)) for a, b in pairwise(names)]:
        raise InvalidValueError(f"{network!r} is not a chain of layers in which each writes to the next")
    return list(network.graphs.values())


def _degrees(layers: Sequence[BipartiteGraph]) -> list[NDArray[np.int64]]:
    """Return the number of links, in and out, of the neurons of each column."""
    columns = [layers[0].fan_out, *(g.fan_in for g in layers)]
    return [own + (layers[i].fan_out if 0 < i < len(layers) else 0) for i, own in enumerate(columns)]


def _in_digits(exponent: float) -> str:
    """Format a number given by its decimal logarithm, in digits or as a power of ten.

    Examples
    --------
    >>> _in_digits(3.5), _in_digits(15)
    ('3,162', '$10^{15.0}$')
    """
    return f"{10**exponent:,.0f}" if exponent < MOST_DIGITS else f"$10^{{{exponent:.1f}}}$"


def _height(place: NDArray[np.int64]) -> NDArray[np.float64]:
    return -place / max(place.size - 1, 1)


def _draw_links(ax: Axes, column: int, ends: NDArray[np.float64], **look: Any) -> None:
    ends = ends[:: max(1, -(-len(ends) // MOST_LINKS))]
    lines = np.stack([np.column_stack([np.full(len(ends), column + i), ends[:, i]]) for i in (0, 1)], axis=1)
    ax.add_collection(LineCollection(list(lines), **look))


def _label_columns(ax: Axes, network: LayeredNetwork) -> None:
    names = list(network)
    layer_ticks(ax, range(len(names) + 1), ["inputs", *names])
    ax.set(xlim=(-0.2, len(names) + 0.2), ylim=(-1.05, 0.05), yticks=[], ylabel="neurons, most links on top")
    ax.grid(visible=False)
