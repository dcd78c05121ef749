"""Schedules: how zeta, the softness of selection and the density change during training."""

from topolearn.evolution.schedules.density import COMPARED, DENSITY_SCHEDULES, DensitySchedule
from topolearn.evolution.schedules.softness import SOFTNESS_SCHEDULES
from topolearn.evolution.schedules.zeta import ZETA_SCHEDULES

__all__ = ["COMPARED", "DENSITY_SCHEDULES", "SOFTNESS_SCHEDULES", "ZETA_SCHEDULES", "DensitySchedule"]
