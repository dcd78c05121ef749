"""Top-KAST: every update re-selects the links among all cells, and more cells than the links are trained."""

from topolearn.evolution.topkast.exploration_loss import exploration_loss
from topolearn.evolution.topkast.reselecting import Reselecting

__all__ = ["Reselecting", "exploration_loss"]
