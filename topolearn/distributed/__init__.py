"""Training on several ranks: which ranks share layers, averages over them, checks that they agree, and shards."""

from topolearn.distributed.agreement import agreement
from topolearn.distributed.averages import mean_over
from topolearn.distributed.best_of_shards import CollectedRecord, Growth, collect_best
from topolearn.distributed.exchange import Exchange
from topolearn.distributed.groups import shared_group
from topolearn.distributed.local_links import keep_links_local
from topolearn.distributed.processes import joined
from topolearn.distributed.row_shards import RowShard
from topolearn.distributed.shard_record import ShardRecord
from topolearn.distributed.shard_topology import is_sharded, shard_topology
from topolearn.distributed.sharded_linear import ShardedLinear
from topolearn.distributed.sharded_stored import ShardedStored

__all__ = [
    "CollectedRecord",
    "Exchange",
    "Growth",
    "RowShard",
    "ShardRecord",
    "ShardedLinear",
    "ShardedStored",
    "agreement",
    "collect_best",
    "is_sharded",
    "joined",
    "keep_links_local",
    "mean_over",
    "shard_topology",
    "shared_group",
]
