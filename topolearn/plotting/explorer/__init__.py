"""The layer explorer: an interactive page of the links of a graph, or of layers during training."""

from topolearn.plotting.explorer.explore import explore
from topolearn.plotting.explorer.limits import MOST_LAYERS, MOST_LINKS, MOST_NEURONS, check_size, has_room, most_frames
from topolearn.plotting.explorer.lives import Lives, lives_through
from topolearn.plotting.explorer.page import Explorer
from topolearn.plotting.explorer.populations import Population, populations_of
from topolearn.plotting.explorer.scene import Scene, SceneLayer

__all__ = [
    "MOST_LAYERS",
    "MOST_LINKS",
    "MOST_NEURONS",
    "Explorer",
    "Lives",
    "Population",
    "Scene",
    "SceneLayer",
    "check_size",
    "explore",
    "has_room",
    "lives_through",
    "most_frames",
    "populations_of",
]
