"""Plots of graphs and runs.

Every function takes ``ax=None`` (or ``figure=None`` if it draws several panels) and returns the axes or figure that it
drew into. New figures are pyplot figures, so that notebooks show them; scripts call ``ax.figure.savefig``. In PDF and
SVG files text stays text.

For a paper make the figure as wide as the column: ``plotting.overlap(run, plt.subplots(figsize=(3.35, 2.7))[1])``.
Whenever a figure is drawn, at any size, text is wrapped, ticks are thinned out and legends are placed below. To this
end a figure without a layout engine gets one, unless you have moved its subplots; legends that you create yourself are
left alone. Colours follow the background of the figure, or of a style such as ``plt.style.use("dark_background")``.
"""

from topolearn.plotting.active_neurons import active_neurons
from topolearn.plotting.adjacency import adjacency
from topolearn.plotting.animation import animate, save_animation
from topolearn.plotting.curves import accuracy, loss, metrics, score
from topolearn.plotting.degrees import degree_distribution
from topolearn.plotting.drawing.style import style
from topolearn.plotting.evolution import adjacency_change, degree_change, evolution
from topolearn.plotting.explorer import Explorer, explore
from topolearn.plotting.live_figure import LiveFigure, live
from topolearn.plotting.measures import measure
from topolearn.plotting.paths import hubs, strongest_paths
from topolearn.plotting.side_by_side import side_by_side
from topolearn.plotting.small_world import small_world_plane
from topolearn.plotting.speed import training_speed
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
