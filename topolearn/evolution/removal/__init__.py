"""Removal scores: the links with the highest scores are kept, the others removed or pruned."""

from topolearn.evolution.removal.importance import interpolated, relative, relative_importance, soft_importance
from topolearn.evolution.removal.mest import weight_and_gradient
from topolearn.evolution.removal.score import RemovalScore
from topolearn.evolution.removal.sign import keeps_sign
from topolearn.evolution.removal.weight_magnitude import magnitude, weight_magnitude
from topolearn.registry import Registry

REMOVAL_SCORES: Registry[RemovalScore] = Registry(
    "removal score",
    {
        "weight_magnitude": RemovalScore(magnitude),
        "relative_importance": RemovalScore(relative),
        "importance": RemovalScore(interpolated, {"alpha": (0.5, 0.0, 1.0)}),
        "mest": RemovalScore(weight_and_gradient, {"gradient_weight": (0.01, 0.0, 1e9)}, needs_gradient=True),
        "sign": RemovalScore(keeps_sign, needs_signs=True, is_test=True),
    },
)

__all__ = ["REMOVAL_SCORES", "RemovalScore", "relative_importance", "soft_importance", "weight_magnitude"]
