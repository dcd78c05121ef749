"""SRigL: all active neurons have the same number of links, and all others have none."""

from topolearn.evolution.srigl.fan_in import ConstantFanIn, has_constant_fan_in
from topolearn.evolution.srigl.rewiring import rewire_with_constant_fan_in

__all__ = ["ConstantFanIn", "has_constant_fan_in", "rewire_with_constant_fan_in"]
