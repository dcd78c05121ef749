"""Every plot, collected from ``plotting.__all__``, ready to be drawn into axes or a figure."""

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from topolearn import plotting
from topolearn.generators import make
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork

Drawing = partial[Any]
NO_PICTURES = ("style", "animate", "save_animation", "live", "LiveFigure", "explore", "Explorer")
FUNCTIONS = [name for name in plotting.__all__ if name not in NO_PICTURES]

# What each function needs in addition to its first argument; a new function must work without an entry, or add one.
EXTRA = {"layer_metric": ("itop",), "measure": ("closure",)}
USUAL = {3.35: 2.7, 7.0: 4.0}  # inches of height, by the width
HEIGHTS: dict[str, dict[float, float]] = {
    "evolution": {3.35: 7.6, 7.0: 5.4},
    "adjacency_change": {3.35: 2.6, 7.0: 4.2},
    "degree_change": {3.35: 5.4, 7.0: 3.4},
    "side_by_side": {3.35: 7.0, 7.0: 6.2},
}
WITH_LAYER = ("adjacency_change", "degree_change")
DENSITIES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
SPEEDS = pd.DataFrame(
    [
        {"density": d, "batch": b, "dense speed-up": 1.0, "masked speed-up": 0.93,
         "csr speed-up": 0.2 / d * (32 / b) ** 0.3, "csr chain speed-up": 0.3 / d * (32 / b) ** 0.3}
        for b in (32, 128) for d in DENSITIES
    ]
)  # fmt: skip


def few(names: Sequence[str], *quick: str) -> list[Any]:
    """Return names as test parameters, all but the quick ones marked as slow."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def first_arguments() -> dict[str, Any]:
    """Return the first argument of functions, by parameter name; a run is passed for any other name."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(12, 12)) * (rng.random((12, 12)) < 0.3) for _ in range(3)]
    pair = {"random": make("er", 60, 60, 0.1, seed=0), "scale-free": make("bsf", 60, 60, 0.1, seed=0)}
    network = LayeredNetwork({f"layer{i}": make("bsf", 60, 60, 0.05, seed=i) for i in range(3)})
    g = make("bsf", 200, 200, 0.03, seed=0)
    return {"graphs": pair, "g": g, "table": SPEEDS, "network": network, "weights": weights}


def every_picture(run: Any, runs: Sequence[Any]) -> dict[str, Drawing]:
    """Return a function ``draw(ax=...)`` or ``draw(figure=...)`` for each plot, by name, and for some variants."""
    return every_function(run) | variants(run, runs)


def named() -> BipartiteGraph:
    """Return Davis's women and the events they attended, by their names."""
    graph = nx.davis_southern_women_graph()
    women, events = (graph.graph[side] for side in ("top", "bottom"))
    links = np.array([[graph.has_edge(woman, event) for woman in women] for event in events])
    return BipartiteGraph(links, input_names=women, output_names=events)


def every_function(run: Any) -> dict[str, Drawing]:
    """Return such a function for each plotting function in ``plotting.__all__``."""
    given = first_arguments()
    pictures = {}
    for name in FUNCTIONS:
        function = getattr(plotting, name)
        first = next(iter(inspect.signature(function).parameters))
        extra = (run.history.layers[-1],) if name in WITH_LAYER else EXTRA.get(name, ())
        pictures[name] = partial(function, given.get(first, run), *extra)
    return pictures


def draw_at(draw: Drawing, width: float, height: float | None = None, **options: Any) -> Figure:
    """Draw a plot into a new figure of a given width, and return the figure."""
    name = draw.func.__name__
    height = height or HEIGHTS.get(name, USUAL)[width]
    figure = pyplot.figure(figsize=(width, height), **options)
    draw(**({"figure": figure} if name in HEIGHTS else {"ax": figure.subplots()}))
    return figure


def variants(run: Any, runs: Sequence[Any]) -> dict[str, Drawing]:
    """Return plots with many lines, many cells, long texts, and plausible and implausible power laws."""
    scale_free, random = make("bsf", 300, 300, 0.02, seed=0), make("er", 300, 300, 0.02, seed=0)
    rng = np.random.default_rng(1)
    people = Graph(np.array([(i, j) for i in range(60) for j in range(i) if rng.random() < 3 / 60]), 60)
    shapes = {"square": make("bsw", 60, 60, 0.1, seed=0), "wide": make("bsw", 120, 40, 0.1, seed=0)}
    return {
        "accuracy of 2 runs": partial(plotting.accuracy, runs[:2]),
        "accuracy of many runs": partial(plotting.accuracy, runs),
        "adjacency, large": partial(plotting.adjacency, make("bsw", 1500, 1500, 0.01, seed=0)),
        "adjacency, wide": partial(plotting.adjacency, make("er", 3000, 200, 0.02, seed=0), order="degree"),
        "adjacency, named": partial(plotting.adjacency, named(), order="community"),
        "adjacency, people": partial(plotting.adjacency, nx.karate_club_graph()),
        "adjacency, titled": partial(plotting.adjacency, scale_free, title="encoder.layers.0.fc1", order="community"),
        "degree_distribution, a law": partial(plotting.degree_distribution, scale_free, fit=True),
        "degree_distribution, no law": partial(plotting.degree_distribution, random, fit=True),
        "degree_distribution, nodes": partial(plotting.degree_distribution, people, fit=True),
        "metrics, all": partial(plotting.metrics, run, ["train_accuracy", "test_accuracy", "train_loss", "test_loss"]),
        "link_flow of a layer": partial(plotting.link_flow, run, run.history.layers[0]),
        "small_world_plane of shapes": partial(plotting.small_world_plane, shapes),
    }
