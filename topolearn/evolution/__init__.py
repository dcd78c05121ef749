"""How a topology changes: scores, schedules, the evolution step, the scheduler, and the table of methods."""

from topolearn.evolution.attach import attach
from topolearn.evolution.exploration_loss import exploration_loss
from topolearn.evolution.interval import check_interval
from topolearn.evolution.links import LayerLinks, Targets
from topolearn.evolution.method import Method
from topolearn.evolution.percolation import percolate_model, percolated
from topolearn.evolution.plan import DensityPlan
from topolearn.evolution.regrowth import REGROWTHS, RegrowthScore, Site, by_predictor, by_scores
from topolearn.evolution.removal import (
    REMOVAL_SCORES,
    RemovalScore,
    relative_importance,
    soft_importance,
    weight_magnitude,
)
from topolearn.evolution.scheduler import TopologyScheduler, UpdateHook
from topolearn.evolution.schedules import DENSITY_SCHEDULES, SOFTNESS_SCHEDULES, ZETA_SCHEDULES
from topolearn.evolution.signs import link_signs
from topolearn.evolution.sparsify import linear_layers, sparsify
from topolearn.evolution.step import evolve
from topolearn.evolution.table import METHODS, method, methods
from topolearn.evolution.update import EVENTS, LayerUpdate, TopologyUpdate, edges_of

__all__ = [
    "DENSITY_SCHEDULES",
    "EVENTS",
    "DensityPlan",
    "LayerLinks",
    "LayerUpdate",
    "METHODS",
    "Method",
    "REGROWTHS",
    "REMOVAL_SCORES",
    "RegrowthScore",
    "RemovalScore",
    "SOFTNESS_SCHEDULES",
    "Site",
    "Targets",
    "TopologyScheduler",
    "TopologyUpdate",
    "UpdateHook",
    "ZETA_SCHEDULES",
    "attach",
    "by_predictor",
    "by_scores",
    "check_interval",
    "edges_of",
    "evolve",
    "exploration_loss",
    "linear_layers",
    "link_signs",
    "method",
    "methods",
    "percolate_model",
    "percolated",
    "relative_importance",
    "soft_importance",
    "sparsify",
    "weight_magnitude",
]
