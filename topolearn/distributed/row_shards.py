"""`RowShard`: the rows of a weight (output neurons) that each rank of a group holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor

from topolearn.errors import InvalidValueError

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh

CURE = "shard the layer with fully_shard(module, mesh=mesh), with a mesh of one dimension"


@dataclass(frozen=True)
class RowShard:
    """Which rows of a layer each rank holds: consecutive blocks, in the order of the ranks.

    Attributes
    ----------
    shape : (int, int)
        Number of output and input neurons of the layer.
    bounds : tuple of int, length n_ranks + 1
        Rank i holds the rows from ``bounds[i]`` up to, but not including, ``bounds[i + 1]``; there may be none.
    rank : int
        This rank's place in its group.
    mesh : DeviceMesh or None
        The mesh of the weight.

    Examples
    --------
    >>> shard = RowShard((5, 4), (0, 3, 5), rank=1)
    >>> shard.first, shard.last, shard.within(torch.tensor([0, 11, 12, 19])).tolist()
    (3, 5, [12, 19])
    """

    shape: tuple[int, int]
    bounds: tuple[int, ...]
    rank: int = 0
    mesh: DeviceMesh | None = None

    @classmethod
    def of(cls, weight: Tensor, mesh: DeviceMesh, name: str) -> RowShard:
        """Return the row shards of a weight that was sharded with ``fully_shard``.

        Raises
        ------
        InvalidValueError
            When the weight is not sharded by rows alone over the ranks of the mesh.
        """
        from torch.distributed.tensor import DTensor, Shard
        from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

        if not isinstance(weight, DTensor):
            raise InvalidValueError(f"the weight of layer {name!r} is not sharded: {CURE}, before shard_topology")
        if weight.device_mesh.ndim > 1 or mesh.ndim > 1:
            raise InvalidValueError(
                f"the weight of layer {name!r} is on a mesh of {weight.device_mesh.ndim} dimensions, as with "
                f"hybrid sharding (HSDP) and tensor parallelism, which is not supported: {CURE}"
            )
        if tuple(weight.placements) != (Shard(0),):
            raise InvalidValueError(
                f"the weight of layer {name!r} has placement {weight.placements[0]}, as with tensor parallelism and "
                f"shard_placement_fn, but links need Shard(0), which keeps rows whole: {CURE}"
            )
        if weight.device_mesh != mesh:
            raise InvalidValueError(
                f"the weight of layer {name!r} is on {weight.device_mesh}, not on mesh={mesh}: pass the same mesh as "
                "to fully_shard"
            )
        n_out, n_in = weight.shape
        shard = cls((n_out, n_in), chunks(n_out, mesh.size()), mesh.get_local_rank(), mesh)
        local, offset = compute_local_shape_and_global_offset(weight.shape, mesh, weight.placements)
        if local[0] != shard.last - shard.first or (local[0] and offset[0] != shard.first):
            raise InvalidValueError(
                f"rank {shard.rank} holds other rows of layer {name!r} than torch.chunk would give it"
            )
        return shard

    @property
    def first(self) -> int:
        """The first row of this rank."""
        return self.bounds[self.rank]

    @property
    def last(self) -> int:
        """The row after the last row of this rank."""
        return self.bounds[self.rank + 1]

    @property
    def group(self) -> dist.ProcessGroup:
        """The ranks that share the layer."""
        assert self.mesh is not None
        return self.mesh.get_group()

    def within(self, cells: Tensor) -> Tensor:
        """Return those of a layer's sorted cells that are in the rows of this rank."""
        first, last = self.ends(cells)[self.rank : self.rank + 2]
        return cells[first:last]

    def ends(self, cells: Tensor) -> list[int]:
        """Return the indices at which the cells of each rank begin in sorted cells, and the end of the last."""
        starts = torch.tensor(self.bounds, device=cells.device) * self.shape[1]
        ends: list[int] = torch.searchsorted(cells, starts).tolist()
        return ends

    def local(self, cells: Tensor) -> Tensor:
        """Convert flat positions in the layer to flat positions in the rows of this rank."""
        return cells - self.first * self.shape[1]

    def rows(self, matrix: Tensor) -> Tensor:
        """Return a view of this rank's rows of a matrix with all rows."""
        return matrix[self.first : self.last]

    def dtensor(self, rows: Tensor) -> Tensor:
        """Return the tensor of all rows, sharded like the weight, given the rows of this rank."""
        from torch.distributed.tensor import DTensor, Shard

        assert self.mesh is not None
        size = torch.Size((self.shape[0], *rows.shape[1:]))
        stride = torch.empty(size, device="meta").stride()
        tensor: Tensor = DTensor.from_local(rows, self.mesh, (Shard(0),), run_check=False, shape=size, stride=stride)
        return tensor


def chunks(n_rows: int, n_ranks: int) -> tuple[int, ...]:
    """Return the bounds of each rank's rows, as with `torch.chunk`.

    Examples
    --------
    >>> chunks(37, 3), chunks(3, 4)
    ((0, 13, 26, 37), (0, 1, 2, 3, 3))
    """
    each = -(-n_rows // n_ranks)
    return tuple(min(i * each, n_rows) for i in range(n_ranks + 1))
