"""Regrowth: choosing new links among the non-links of a layer by their scores."""

from topolearn.evolution.regrowth.chance import at_random
from topolearn.evolution.regrowth.gradient import by_gradient, gradient_matrix
from topolearn.evolution.regrowth.grow import GrowthSite, grow
from topolearn.evolution.regrowth.predictors import by_predictor
from topolearn.evolution.regrowth.scores import by_scores
from topolearn.evolution.regrowth.site import RegrowthScore, Site
from topolearn.linkpred import PREDICTORS
from topolearn.registry import Registry

REGROWTHS: Registry[RegrowthScore] = Registry(
    "regrowth score",
    {name: by_predictor(name) for name in PREDICTORS if name not in PREDICTORS.own}
    | {"random": RegrowthScore(at_random), "gradient": RegrowthScore(by_gradient, True, gradient_matrix)},
)

__all__ = ["REGROWTHS", "GrowthSite", "RegrowthScore", "Site", "by_predictor", "by_scores", "grow"]
