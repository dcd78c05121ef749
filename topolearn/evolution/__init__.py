"""Topology evolution: scores, schedules, the evolution step, the scheduler, and the table of methods."""

from topolearn.evolution.deepr import link_signs
from topolearn.evolution.methods import METHODS, Method, check_backend, method, methods
from topolearn.evolution.plan import DensityPlan, check_interval
from topolearn.evolution.regrowth import REGROWTHS, RegrowthScore, Site, by_predictor, by_scores
from topolearn.evolution.removal import (
    REMOVAL_SCORES,
    RemovalScore,
    relative_importance,
    soft_importance,
    weight_magnitude,
)
from topolearn.evolution.schedules import DENSITY_SCHEDULES, SOFTNESS_SCHEDULES, ZETA_SCHEDULES
from topolearn.evolution.scheduling.attach import attach
from topolearn.evolution.scheduling.scheduler import TopologyScheduler, UpdateHook
from topolearn.evolution.starting.admission import linear_layers
from topolearn.evolution.starting.sparsify import sparsify
from topolearn.evolution.step.evolve import evolve
from topolearn.evolution.step.links import LayerLinks, Targets
from topolearn.evolution.step.percolation import percolate_model, percolated
from topolearn.evolution.step.update import EVENTS, LayerUpdate, TopologyUpdate
from topolearn.evolution.topkast import exploration_loss
from topolearn.graph import edges_of

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
    "check_backend",
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
