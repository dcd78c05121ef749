"""Pictures of graphs and runs.

Every function takes ``ax=None`` (or ``figure=None`` where it draws several panels) and returns what it
drew into. Figures made here are unknown to pyplot: nothing stays open, and nothing is shown by itself;
in a notebook end a cell with ``ax.figure``, in a script call ``ax.figure.savefig``.
"""

from topolearn.plotting.adjacency import adjacency
from topolearn.plotting.curves import accuracy, loss, metrics
from topolearn.plotting.degrees import degree_distribution
from topolearn.plotting.evolution import adjacency_change, degree_change, evolution
from topolearn.plotting.speed import training_speed
from topolearn.plotting.style import style
from topolearn.plotting.updates import layer_metric, link_flow, overlap

__all__ = [
    "accuracy",
    "adjacency",
    "adjacency_change",
    "degree_change",
    "degree_distribution",
    "evolution",
    "layer_metric",
    "link_flow",
    "loss",
    "metrics",
    "overlap",
    "style",
    "training_speed",
]
