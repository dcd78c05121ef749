"""Power laws: the exponent, the start of the law, its plausibility, and comparisons with other laws."""

from topolearn.diagnostics.power_law.alternatives import ALTERNATIVES, LikelihoodRatio
from topolearn.diagnostics.power_law.fit import PowerLawFit, power_law

__all__ = ["ALTERNATIVES", "LikelihoodRatio", "PowerLawFit", "power_law"]
