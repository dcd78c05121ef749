"""Masked layers whose weight was sharded with ``fully_shard``: each rank masks the rows that it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from topolearn.distributed.row_shards import RowShard
from topolearn.distributed.shard_record import ShardRecord
from topolearn.errors import InvalidValueError
from topolearn.sparse import MaskedLinear
from topolearn.sparse.change import LinkChange
from topolearn.sparse.weights.local_tensors import local_of
from topolearn.sparse.weights.packed_links import KEY, packed, unpacked
from topolearn.sparse.weights.zero_off_links import ZeroOffLinks

Moved = Callable[[Tensor], Tensor]


class ShardWatch(ZeroOffLinks):
    """The hook of a sharded weight, which runs on this rank's rows after the reduce-scatter."""

    def __call__(self, weight: Tensor) -> None:
        """Pass the gradient of all cells to a record, then mask it."""
        layer = self._layer()
        if weight.grad is not None and layer is not None and isinstance(layer.record, ShardRecord):
            layer.record.add(local_of(weight.grad), layer.trained_mask)
        super().__call__(weight)

    @torch.no_grad()
    def _mask(self, tensor: Tensor) -> None:
        """Mask without caching the mask as integers, which would take four bytes per cell."""
        local_of(tensor).masked_fill_(~self._layer_of().trained_mask, 0)


class ShardedLinear(MaskedLinear):
    """A `MaskedLinear` of which this rank holds some rows; created by `topolearn.distributed.shard_topology`.

    ``mask`` and everything that is trained cover only these rows. Each rank has the links of all rows as bits on the
    host, so `cells`, `graph` and `n_links` need no communication. No rank has the weights of all rows.

    Attributes
    ----------
    shard : RowShard
    bits : Tensor of uint8, shape (out_features, ceil(in_features / 8))
        The links of all rows.
    """

    shard: RowShard
    bits: Tensor
    _sharded: tuple[nn.Parameter]  # in a tuple, so that the module does not register it as a second parameter
    _n_links: int

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (..., out_features), of inputs of shape (..., in_features)."""
        if isinstance(self.record, ShardRecord) and not torch.compiler.is_compiling():
            self.record.look()
        return F.linear(x, self.weight, self.bias)

    def become_sharded(self, shard: RowShard) -> None:
        """Keep the mask of this rank's rows only, and the links of all rows as bits."""
        self._sharded, self.shard = (self.weight,), shard
        self.bits, self._n_links = packed(self.mask).to(self._home_of_bits()), int(self.mask.sum())
        self._buffers["mask"] = shard.rows(self.mask).clone()
        self._kept, self._listed = None, None
        self._watch = ShardWatch(self)
        self._watch.restore(self.weight)

    def _home_of_bits(self) -> torch.device:
        return torch.device("cpu")

    @property
    def link_parameter(self) -> nn.Parameter:
        """The sharded weight, even while the layer has the gathered one."""
        weight = self._parameters["weight"]
        if weight is not None and hasattr(weight, "placements"):
            self._sharded = (weight,)
        return self._sharded[0]

    @property
    def own_weight(self) -> Tensor:
        """This rank's rows of the weight, detached, sharing its memory."""
        return local_of(self.link_parameter.detach())

    @property
    def n_links(self) -> int:
        """Number of links in all rows."""
        return self._n_links

    @property
    def link_stamp(self) -> tuple[Tensor, int]:
        """The links of all rows as bits, and their version; changes whenever the links change."""
        return self.bits, self.bits._version

    @property
    def links_packed(self) -> Tensor:
        """The links as bits, sharded like the weight."""
        return self.shard.dtensor(packed(self.mask))

    def cells(self) -> Tensor:
        """Return the links of all rows as sorted flat positions, on the layer's device."""
        return unpacked(self.bits, self.in_features).flatten().nonzero().squeeze(1).to(self.mask.device)

    def own_cells(self) -> Tensor:
        """Return the links in this rank's rows, as sorted flat positions in the layer."""
        return self.mask.flatten().nonzero().squeeze(1) + self.shard.first * self.in_features

    def own_values(self, cells: Tensor) -> Tensor:
        """Return the weights of links in this rank's rows."""
        return self.own_weight.reshape(-1)[self.shard.local(cells)]

    def link_values(self) -> Tensor:
        """Raise, as this would have to gather the weights of other ranks.

        Raises
        ------
        InvalidValueError
        """
        raise InvalidValueError(
            f"layer {self.layer_name!r} is sharded, and this rank only holds the weights of rows {self.shard.first} to "
            f"{self.shard.last - 1}: call layer.weight.full_tensor() on all ranks"
        )

    def values_at(self, cells: Tensor) -> Tensor:
        """Raise, like `link_values`."""
        return self.link_values()

    def dense_weight(self) -> Tensor:
        """Raise, like `link_values`."""
        return self.link_values()

    def link_gradient(self) -> Tensor | None:
        """Return the gradient of the links in this rank's rows; see `SparseLinear.link_gradient`."""
        gradient = self.link_parameter.grad
        if gradient is None:
            return None
        own = local_of(gradient)
        return own[self.mask].to(torch.promote_types(own.dtype, torch.float32))

    def start_recording(self, average: Callable[[Tensor], object] | None = None) -> None:
        """Record the gradient of all cells in this rank's rows, which is already the mean over all ranks."""
        self.stop_recording()
        self.record = ShardRecord(self.link_parameter, self.shape)

    def clear_off_links(self, trained: Tensor | None = None) -> None:
        """Write zeros off the trained cells of this rank's rows, and warn if there were other values."""
        super().clear_off_links()

    def mask_foreign_writes(self) -> None:
        """Write zeros off the trained cells, if the weight may have been written since the last time."""
        if not self._watch.trusts(self.link_parameter):
            self._watch.restore(self.link_parameter)

    def prepare_links(self, cells: Tensor) -> Callable[[], Moved]:
        """Return a function that sets the links, given those of all rows; each rank takes its own."""
        mask, bits = self._mask_of(cells), self._bits_of(cells)

        @torch.no_grad()
        def commit() -> Moved:
            self.mask.copy_(mask)
            self.bits, self._n_links = bits, cells.numel()
            return self._clear(mask.logical_not_())

        return commit

    def prepare_change(self, change: LinkChange) -> Callable[[], Moved]:
        """Return a function that removes some links and adds others."""
        return self.prepare_links(change.cells)

    def _mask_of(self, cells: Tensor) -> Tensor:
        """Return a mask of this rank's rows, given sorted cells of all rows."""
        rows = torch.zeros_like(self.mask)
        rows.view(-1)[self.shard.local(self.shard.within(cells.to(rows.device)))] = True
        return rows

    def set_link_values(self, values: Tensor) -> None:
        """Set the values of all links, in the order of `cells`; each rank takes its own."""
        first, last = self.shard.ends(self.cells())[self.shard.rank : self.shard.rank + 2]
        self.own_weight.masked_fill_(~self.trained_mask, 0)[self.mask] = values[first:last].to(self.own_weight)
        self._watch.trust(self.link_parameter)

    def set_values_at(self, cells: Tensor, values: Tensor) -> None:
        """Set the values of all links; `cells` is ignored."""
        self.set_link_values(values)

    def _bits_of(self, cells: Tensor) -> Tensor:
        """Return the bits of all rows, given cells."""
        mask = torch.zeros(self.shape, dtype=torch.bool, device=self.bits.device)
        mask.view(-1)[cells.to(mask.device)] = True
        return packed(mask)

    def _clear(self, off: Tensor) -> Moved:
        weight = self.link_parameter

        def moved(state: Tensor) -> Tensor:
            local_of(state).masked_fill_(off, 0)
            return state

        moved(weight.detach())
        if weight.grad is not None:
            moved(weight.grad)
        self._watch.follow_links(weight, moved)
        return moved

    def __getstate__(self) -> dict[str, Any]:
        raise InvalidValueError(
            f"layer {self.layer_name!r} is sharded over ranks, and cannot be copied or pickled: save its "
            "state_dict() with torch.distributed.checkpoint"
        )

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        bits, weight, mask = state_dict.get(prefix + KEY), state_dict.get(f"{prefix}weight"), self.mask
        if isinstance(bits, Tensor):
            whole = bits.full_tensor() if hasattr(bits, "full_tensor") else bits
            problem = self._problem(whole)
            if problem:
                error_msgs.append(f"{prefix}{problem}")
                return
            mask = self.shard.rows(unpacked(whole.to(self.mask.device), self.in_features))
        own = local_of(weight) if isinstance(weight, Tensor) else None
        if own is not None and own.shape == mask.shape:
            n_off = int(((own != 0) & ~mask).sum())
            if n_off:
                error_msgs.append(f"{prefix}weight has {n_off} non-zero weights off its links in the rows of this rank")
                return
        if isinstance(bits, Tensor):
            self._load_links(unpacked(whole, self.in_features).flatten().nonzero().squeeze(1))
        others = {key: value for key, value in state_dict.items() if key != prefix + KEY}
        nn.Module._load_from_state_dict(
            self, others, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        self._watch.trust(self.link_parameter)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        self.clear_off_links()
        nn.Module._save_to_state_dict(self, destination, prefix, keep_vars)
        destination[prefix + KEY] = self.links_packed
