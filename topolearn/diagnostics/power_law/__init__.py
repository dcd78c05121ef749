"""Power laws: the exponent, where the law begins, whether it is plausible, and whether another law fits better."""

from topolearn.diagnostics.power_law.alternatives import ALTERNATIVES, LikelihoodRatio
from topolearn.diagnostics.power_law.fit import PowerLawFit, power_law

__all__ = ["ALTERNATIVES", "LikelihoodRatio", "PowerLawFit", "power_law"]
