"""The state of a scheduler of sharded layers: matrices that are sharded like the weights, instead of lists.

``torch.distributed.checkpoint`` saves and loads them on any number of ranks, as their shapes never change. A checkpoint
that ``dcp_to_torch_save`` converted to one file can also be loaded by a scheduler in one process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from topolearn.distributed import ShardedLinear, ShardedStored
from topolearn.errors import CheckpointError
from topolearn.evolution.ordinary import Ordinary
from topolearn.evolution.per_link.ages import LinkAges
from topolearn.evolution.sharded.ages import ShardedAges
from topolearn.sparse import SparseLinear
from topolearn.sparse.weights.packed_links import packed, unpacked

MARK = "links_packed"  # a key that only sharded states have


def state_of_shards(
    layers: Mapping[str, SparseLinear], ages: Mapping[str, LinkAges], kind: Ordinary
) -> dict[str, dict[str, Any]]:
    """Return the state of sharded layers, without communication.

    Returns
    -------
    dict
        ``shapes``; ``links_packed``, ``explored_packed`` and, if more cells than the links are trained,
        ``trained_packed``, as bits packed by `topolearn.sparse.weights.packed_links`; ``born_at``, int32, the step at
        which each link grew; and ``stored``, with dense storage.
    """
    state: dict[str, dict[str, Any]] = {"shapes": {}, MARK: {}, "explored_packed": {}, "born_at": {}}
    state |= {"stored": {}} if kind.method.remembers_all else {}
    state |= {"trained_packed": {}} if kind.reselects else {}
    for name, layer in layers.items():
        own = ages[name]
        assert isinstance(layer, ShardedLinear) and isinstance(own, ShardedAges)
        sharded, born = layer.shard.dtensor, torch.zeros(layer.mask.shape, dtype=torch.int32, device=layer.mask.device)
        born.view(-1)[layer.shard.local(own.own_cells)] = own.own_born.to(torch.int32)
        state["shapes"][name] = layer.shape
        state[MARK][name], state["born_at"][name] = layer.links_packed, sharded(born)
        state["explored_packed"][name] = sharded(own.own_explored.to(born.device, copy=True))
        if isinstance(layer, ShardedStored):
            state["stored"][name] = sharded(layer.own_latest())
            if kind.reselects:
                state["trained_packed"][name] = sharded(packed(layer.trained_mask))
    return state


def as_lists(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a state with lists of cells instead of matrices; a state that has lists already is returned unchanged.

    For sharded matrices all ranks must call this function, which gives each of them all rows.

    Raises
    ------
    CheckpointError
        When a matrix is missing.

    Examples
    --------
    >>> bits, born = packed(torch.tensor([[True, False, True]])), torch.tensor([[0, 0, 4]])
    >>> state = {"links_packed": {"fc": bits}, "explored_packed": {"fc": bits}, "born_at": {"fc": born}}
    >>> state["shapes"] = {"fc": (1, 3)}
    >>> as_lists(state)["links"], as_lists(state)["born"]
    ({'fc': tensor([0, 2])}, {'fc': tensor([0, 4])})
    """
    if MARK not in state:
        return state
    for key in ("shapes", "explored_packed", "born_at"):
        if key not in state or set(state[key]) != set(state[MARK]):
            raise CheckpointError(
                f"the topology state lacks {key!r} of some layers: save the whole topology.state_dict()"
            )
    lists: dict[str, Any] = {key: value for key, value in state.items() if not key.endswith(("_packed", "born_at"))}
    shapes = state["shapes"]
    for key in (MARK, "explored_packed", "trained_packed"):
        if key in state:
            lists[key.removesuffix("_packed")] = {
                name: unpacked(_whole(bits), shapes[name][1]).flatten().nonzero().squeeze(1)
                for name, bits in state[key].items()
            }
    lists["born"] = {
        name: _whole(matrix).flatten()[lists["links"][name]].to(torch.int64)
        for name, matrix in state["born_at"].items()
    }
    if "stored" in state:
        lists["stored"] = {name: _whole(values).flatten() for name, values in state["stored"].items()}
    return lists


def _whole(matrix: Any) -> Tensor:
    """Return all rows of a matrix, on the host."""
    whole: Tensor = matrix.full_tensor() if hasattr(matrix, "full_tensor") else matrix
    return whole.cpu()
