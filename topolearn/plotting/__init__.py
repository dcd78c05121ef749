"""Pictures of graphs and runs.

Every function takes ``ax=None`` (or ``figure=None`` where it draws several panels) and returns what it drew into. A
new figure is one of pyplot, so that notebooks show it; a script calls ``ax.figure.savefig``, as PNG, PDF or SVG, in
which text stays text.

For a paper make the figure as wide as the column: ``plotting.overlap(run, plt.subplots(figsize=(3.35, 2.7))[1])``.
Words wrap, ticks have room and legends stand below, whatever the size, as they are fitted whenever the figure is drawn.
For that a figure without a layout gets one, unless its subplots have been moved; a legend that you make yourself stays
as it is. Colours follow the background: that of the figure, or of a style such as ``plt.style.use("dark_background")``.
"""

from topolearn.plotting.active_neurons import active_neurons
from topolearn.plotting.adjacency import adjacency
from topolearn.plotting.animation import animate, save_animation
from topolearn.plotting.curves import accuracy, loss, metrics, score
from topolearn.plotting.degrees import degree_distribution
from topolearn.plotting.evolution import adjacency_change, degree_change, evolution
from topolearn.plotting.explorer import Explorer, explore
from topolearn.plotting.live_figure import LiveFigure, live
from topolearn.plotting.measures import measure
from topolearn.plotting.paths import hubs, strongest_paths
from topolearn.plotting.side_by_side import side_by_side
from topolearn.plotting.small_world import small_world_plane
from topolearn.plotting.speed import training_speed
from topolearn.plotting.style import style
from topolearn.plotting.survival import survival
from topolearn.plotting.updates import layer_metric, link_flow, overlap

__all__ = [
    "Explorer",
    "LiveFigure",
    "active_neurons",
    "accuracy",
    "adjacency",
    "adjacency_change",
    "animate",
    "degree_change",
    "degree_distribution",
    "evolution",
    "explore",
    "hubs",
    "layer_metric",
    "link_flow",
    "live",
    "loss",
    "measure",
    "metrics",
    "overlap",
    "save_animation",
    "score",
    "side_by_side",
    "small_world_plane",
    "strongest_paths",
    "style",
    "survival",
    "training_speed",
]
