"""How a topology changes: scores, schedules, the evolution step, the scheduler, and the table of methods."""

from topolearn.evolution.method import Method
from topolearn.evolution.regrowth import REGROWTHS
from topolearn.evolution.removal import REMOVAL_SCORES, weight_magnitude
from topolearn.evolution.scheduler import TopologyScheduler, attach
from topolearn.evolution.schedules import ZETA_SCHEDULES
from topolearn.evolution.sparsify import linear_layers, sparsify
from topolearn.evolution.step import LayerLinks, evolve
from topolearn.evolution.table import METHODS, method, methods
from topolearn.evolution.update import EVENTS, LayerUpdate, TopologyUpdate, edges_of

__all__ = [
    "EVENTS",
    "LayerLinks",
    "LayerUpdate",
    "METHODS",
    "Method",
    "REGROWTHS",
    "REMOVAL_SCORES",
    "TopologyScheduler",
    "TopologyUpdate",
    "ZETA_SCHEDULES",
    "attach",
    "edges_of",
    "evolve",
    "linear_layers",
    "method",
    "methods",
    "sparsify",
    "weight_magnitude",
]
