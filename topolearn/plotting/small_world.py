"""The small-world plane: closure or clustering against path length."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from topolearn.diagnostics import GraphLike, closure, clustering, path_length
from topolearn.diagnostics.reading import read_graph, read_single
from topolearn.errors import InvalidValueError
from topolearn.generators import bipartite_small_world
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork
from topolearn.plotting.drawing.style import (
    axes_or_new,
    colours_of,
    legend,
    line_styles,
    log_ticks,
    percent_ticks,
    plain,
    style_for,
)
from topolearn.plotting.run_data import RunLike, evenly, kept_steps, layer_names
from topolearn.sampling.igraph_random import igraph_draws_from

BETAS = (0.0, 0.01, 0.03, 0.1, 0.25, 0.5, 1.0)
SAMPLE, LEAST_SAMPLE = 256, 8  # source nodes for path lengths: fewer in large graphs, where sources hardly differ
LINKS_WALKED = 10_000_000  # maximum for each path length, unless the smallest sample needs more
MOST_STATES, LINKS_OF_STATES = 40, 10_000_000  # maximum number of states drawn for a run, and of links in all of them
MOST_OF_LAYER, MOST_OF_GRAPH = 2_000_000, 400_000  # maximum number of nodes and links: about ten seconds
CURVE_DASHES = ("-", "--", ":", "-.")
MOST_CURVES = len(CURVE_DASHES)
Point = tuple[float, float]


def small_world_plane(what: RunLike | Mapping[str, GraphLike] | GraphLike, ax: Axes | None = None) -> Axes:
    """Plot layers by closure and path length, with curves of small worlds from lattice to random graph.

    Small worlds are at the upper left: clustered like a lattice, with the short paths of a random graph. One-mode
    graphs are plotted by their mean local clustering instead of the closure.

    Parameters
    ----------
    what : Run, graph, network, or mapping of str to graph
        A run, whose layers are drawn from the start (open marker) to the end (filled marker); a graph; the layers of a
        network; or graphs by name, either all with two sides or all one-mode graphs.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes
        First come curves for beta from 0 to 1, one for each size (at most four) that layers have at the start: of
        `topolearn.generators.bipartite_small_world` with as many neurons and links, or of igraph's Watts-Strogatz
        graphs with as many nodes and about as many links. Then comes a line for each graph.

    Raises
    ------
    InvalidValueError
        When there are no graphs, a graph has no links, both kinds are mixed, or a graph is too large.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> layers = {"small world": make("bsw", 60, 60, 0.1, seed=0), "random": make("er", 60, 60, 0.1, seed=0)}
    >>> [line.get_label() for line in small_world_plane(layers).lines[:2]]
    ['BSW, β from 0 (right) to 1', 'small world']
    """
    what = what if isinstance(what, Mapping) or hasattr(what, "task") else _by_name(what)
    firsts = _firsts(what)
    if len({type(graph) for graph in firsts.values()}) > 1:
        raise InvalidValueError("layers have a closure and one-mode graphs a clustering: draw them in separate plots")
    for name, graph in firsts.items():
        _check_size(name, graph)
    tracks = {name: [graph] for name, graph in firsts.items()} if isinstance(what, Mapping) else _tracks(what)
    if not tracks or not all(graph.n_links for track in tracks.values() for graph in track):
        raise InvalidValueError("there is nothing to draw: pass at least one graph, each with links")
    curves = _curves(firsts)
    with style_for(ax):
        ax = axes_or_new(ax, width=5.2, height=4.4)
        quiet = colours_of(ax).quiet
        for i, (label, curve) in enumerate(curves.items()):
            curve_look: dict[str, Any] = {"color": quiet, "marker": ".", "linewidth": 1.2, "linestyle": CURVE_DASHES[i]}
            ax.plot(*zip(*curve, strict=True), label=label, **curve_look)
        for name, look in line_styles(tracks).items():
            points = [_place(graph) for graph in tracks[name]]
            ax.plot(*zip(*points, strict=True), label=plain(name), **{**look, "linewidth": 1.4, "markersize": 3})
            ends = {"marker": look["marker"], "color": look["color"], "zorder": 3, "linestyle": "none"}
            if len(points) > 1:
                ax.plot(*points[0], **ends, markersize=8, markerfacecolor="none")
            ax.plot(*points[-1], **ends, markersize=6)
        ax.set(
            xlabel="path length L",
            ylabel="mean local clustering C" if isinstance(next(iter(firsts.values())), Graph) else "closure C",
            xscale="log",
            title="Small-world plane",
        )
        percent_ticks(ax.yaxis)
        log_ticks(ax.xaxis, "{:g}".format)
        legend(ax)
    return ax


def _check_size(name: str, graph: BipartiteGraph | Graph) -> None:
    most, clustered = (MOST_OF_GRAPH, "clustering") if isinstance(graph, Graph) else (MOST_OF_LAYER, "closure")
    n_nodes = graph.n_nodes if isinstance(graph, Graph) else graph.n_in + graph.n_out
    if n_nodes + graph.n_links > most:
        raise InvalidValueError(
            f"{name!r} has {n_nodes:,} nodes and {graph.n_links:,} links: generating small worlds of this size would "
            f"take minutes (limit {most:,} nodes and links). Compute its own coordinates with "
            f"diagnostics.{clustered}(g) and diagnostics.path_length(g, sample={LEAST_SAMPLE})"
        )


def _curves(firsts: Mapping[str, BipartiteGraph | Graph]) -> dict[str, list[Point]]:
    """Return labelled curves of small worlds, one for each size that the first graphs have."""
    of_size: dict[tuple[int, int] | tuple[int, int, int], list[str]] = {}
    for name, graph in firsts.items():
        sides = (graph.n_nodes,) if isinstance(graph, Graph) else (graph.n_in, graph.n_out)
        of_size.setdefault((*sides, graph.n_links), []).append(name)
    curves = {}
    for size, names in list(of_size.items())[:MOST_CURVES]:
        model, curve = ("BSW", _curve(*size)) if len(size) == 3 else ("Watts-Strogatz", _one_mode_curve(*size))
        like_which = f" like {plain(', '.join(names))}" if len(of_size) > 1 else ""
        side = "right" if curve[0][0] >= curve[-1][0] else "left"  # very sparse lattices have many separate pieces
        curves[f"{model}{like_which}, β from 0 ({side}) to 1"] = curve
    return curves


def _by_name(graph: GraphLike) -> Mapping[str, BipartiteGraph | Graph]:
    """Return a graph by the name of its kind, or the layers of a network by their own."""
    read = read_graph(graph)
    return read.graphs if isinstance(read, LayeredNetwork) else {"graph" if isinstance(read, Graph) else "layer": read}


def _firsts(what: RunLike | Mapping[str, GraphLike]) -> Mapping[str, BipartiteGraph | Graph]:
    """Return the first graph of each track: the graphs themselves, or the layers of a run at the start."""
    if isinstance(what, Mapping):
        return {name: read_single(graph, "small_world_plane") for name, graph in what.items()}
    names, steps = layer_names(what), kept_steps(what)
    start = what.history.at(steps[0])
    return {name: start[name] for name in names}


def _tracks(run: RunLike) -> Mapping[str, Sequence[BipartiteGraph | Graph]]:
    """Return the graphs of each layer over time, at a selection of steps if there are many."""
    names, steps = layer_names(run), kept_steps(run)
    n_links = max(1, sum(graph.n_links for graph in run.history.at(steps[-1]).values()))
    shown = evenly(steps, min(MOST_STATES, max(2, LINKS_OF_STATES // n_links)))
    states = [graphs for step, graphs in run.history.replay() if step in shown]
    return {name: [state[name] for state in states] for name in names}


@lru_cache(maxsize=8)
def _curve(n_in: int, n_out: int, n_links: int) -> list[Point]:
    """Return the coordinates of small worlds of one size, cached so that redrawing does not recompute them."""
    density = n_links / (n_in * n_out)
    return [_place(bipartite_small_world(n_in, n_out, density, beta=beta, seed=0)) for beta in BETAS]


@lru_cache(maxsize=8)
def _one_mode_curve(n_nodes: int, n_links: int) -> list[Point]:
    """Return the coordinates of Watts-Strogatz graphs of about this size."""
    import igraph

    each = max(1, min(round(n_links / n_nodes), (n_nodes - 1) // 2))  # neighbours on either side
    with igraph_draws_from(np.random.default_rng(0)):
        drawn = [igraph.Graph.Watts_Strogatz(1, n_nodes, each, beta) for beta in BETAS]
    return [_place(Graph.from_igraph(graph.simplify())) for graph in drawn]


def _place(graph: BipartiteGraph | Graph) -> Point:
    clustered = clustering(graph) if isinstance(graph, Graph) else closure(graph)
    sample = min(max(LEAST_SAMPLE, LINKS_WALKED // graph.n_links), SAMPLE, max(graph.shape))
    return float(path_length(graph, sample=sample if sample > 1 else None)), clustered
