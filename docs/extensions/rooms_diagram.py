"""Which package of topolearn imports which, drawn from a table of packages."""

import io
import re
from pathlib import Path

import networkx as nx
import pandas as pd
from matplotlib.figure import Figure

BOX = {"boxstyle": "round,pad=0.45", "facecolor": "#eef3fa", "edgecolor": "#4a6fa5", "linewidth": 1.2}

TEXT = {"ha": "center", "va": "center", "color": "#1b2a41", "family": "monospace", "fontsize": 11, "zorder": 3}


def imports_of(file: Path) -> nx.DiGraph:
    """Return the graph of packages, with an edge from each to those that it imports."""
    table = pd.read_csv(file, keep_default_na=False)
    graph = nx.DiGraph()
    graph.add_nodes_from(table["room"])
    for row in table.itertuples():
        graph.add_edges_from((row.room, below) for below in row.imports.split())
    return graph


def places(graph: nx.DiGraph) -> dict[str, tuple[float, float]]:
    """Return a place for each package: above all that it imports, and near their middle."""
    layers = [sorted(layer) for layer in nx.topological_generations(graph.reverse())]
    place: dict[str, tuple[float, float]] = {}
    for height, layer in enumerate(layers):
        wanted = {room: _mean([place[below][0] for below in graph[room]]) for room in layer}
        for rank, room in enumerate(sorted(layer, key=lambda each: (wanted[each], each))):
            place[room] = (rank - (len(layer) - 1) / 2, height)
    return place


def draw(graph: nx.DiGraph) -> Figure:
    """Draw the packages; an import that a chain of others implies has no line."""
    figure = Figure(figsize=(8, 6.5))
    ax = figure.add_axes((0, 0, 1, 1))
    place = places(graph)
    boxes = {room: ax.text(*at, room, bbox=BOX, **TEXT).get_bbox_patch() for room, at in place.items()}
    for above, below in nx.transitive_reduction(graph).edges:
        ends = {"patchA": boxes[above], "patchB": boxes[below], "shrinkA": 1, "shrinkB": 2}
        arrow = {"arrowstyle": "-|>", "color": "#7f8c9f", **ends}
        ax.annotate("", xy=place[below], xytext=place[above], arrowprops=arrow)
    ax.update_datalim(list(place.values()))
    ax.margins(0.2, 0.06)
    ax.autoscale_view()
    ax.set_axis_off()
    figure.canvas.draw()  # only then do the boxes have a size that arrows can end at
    return figure


def svg(graph: nx.DiGraph) -> str:
    """Return the diagram as an SVG element, which is as wide as the text of the page."""
    file = io.StringIO()
    draw(graph).savefig(file, format="svg", transparent=True)
    element = file.getvalue()
    return re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', ' width="100%"', element[element.index("<svg") :], count=1)


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
