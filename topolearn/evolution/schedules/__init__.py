"""How the parts of a method move through training: zeta, the softness of a selection, the density."""

from topolearn.evolution.schedules.density import COMPARED, DENSITY_SCHEDULES, DensitySchedule
from topolearn.evolution.schedules.softness import SOFTNESS_SCHEDULES
from topolearn.evolution.schedules.zeta import ZETA_SCHEDULES

__all__ = ["COMPARED", "DENSITY_SCHEDULES", "SOFTNESS_SCHEDULES", "ZETA_SCHEDULES", "DensitySchedule"]
