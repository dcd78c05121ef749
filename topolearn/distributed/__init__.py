"""What ranks share: which of them train the same layers, averages over these, and checks that they agree."""

from topolearn.distributed.agreement import agreement
from topolearn.distributed.averages import mean_over
from topolearn.distributed.groups import shared_group
from topolearn.distributed.local_links import keep_links_local
from topolearn.distributed.processes import joined

__all__ = ["agreement", "joined", "keep_links_local", "mean_over", "shared_group"]
