"""Benchmarks that users can repeat on their machines, with all variants alternating in one process."""

from topolearn.benchmarks.calibration import measure_crossovers
from topolearn.benchmarks.training import VARIANTS, cost_of_auto, crossover, measure_training

__all__ = ["VARIANTS", "cost_of_auto", "crossover", "measure_crossovers", "measure_training"]
