"""The cost of training, before it starts: parameters, links, FLOPs and bytes, from a model on the meta device."""

from topolearn.counting.configured import count_config
from topolearn.counting.count import TrainingCount, count
from topolearn.counting.kinds import KindCount
from topolearn.counting.memory import Memory
from topolearn.counting.optimizers import OPTIMIZERS
from topolearn.counting.stretches import Stretch, stretches
from topolearn.counting.workload import Workload

__all__ = [
    "KindCount",
    "Memory",
    "OPTIMIZERS",
    "Stretch",
    "TrainingCount",
    "Workload",
    "count",
    "count_config",
    "stretches",
]
