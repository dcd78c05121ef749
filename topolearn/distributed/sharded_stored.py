"""Layers that store the value of every cell, whose weight was sharded with ``fully_shard``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from topolearn.distributed.row_shards import RowShard
from topolearn.distributed.shard_record import ShardRecord
from topolearn.distributed.sharded_linear import Moved, ShardedLinear
from topolearn.sparse import StoredLinear
from topolearn.sparse.weights.packed_links import unpacked


class ShardedStored(ShardedLinear, StoredLinear):
    """A `StoredLinear` of which this rank holds some rows; ``stored``, ``trained`` and ``links`` cover only these.

    The links of all rows are on the device, as the forward pass needs them if more than the links are trained.
    """

    _n_trained: int

    def become_sharded(self, shard: RowShard) -> None:
        """Keep only this rank's rows of all buffers."""
        n_trained = self.n_trained
        self._buffers["stored"] = shard.rows(self.stored).clone()
        if self.trained is not None:
            self._buffers["trained"] = shard.rows(self.trained).clone()
        self._n_trained = n_trained
        super().become_sharded(shard)
        self._buffers["links"] = self.mask.flatten().nonzero().squeeze(1)

    def _home_of_bits(self) -> torch.device:
        return self.mask.device

    @property
    def n_trained(self) -> int:
        """Number of trained cells in all rows."""
        return self.__dict__.get("_n_trained", 0) or super().n_trained

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (..., out_features), of inputs of shape (..., in_features)."""
        if self.trained is None:
            return super().forward(x)
        if isinstance(self.record, ShardRecord) and not torch.compiler.is_compiling():
            self.record.look()
        return F.linear(x, _OnLinks.apply(self.weight, self.bits), self.bias)

    def own_latest(self) -> Tensor:
        """Return the latest value of each cell in this rank's rows, as a matrix."""
        return torch.where(self.trained_mask, self.own_weight, self.stored)

    def latest_values(self) -> Tensor:
        """Raise, as this would have to gather the values of other ranks."""
        return self.link_values()

    def set_stored(self, values: Tensor) -> None:
        """Set the values of all cells, in the order of their flat positions; each rank takes its own."""
        self.set_own(self.shard.rows(values.view(self.shape)))

    @torch.no_grad()
    def set_own(self, rows: Tensor) -> None:
        """Set the values of the cells in this rank's rows."""
        self.stored.copy_(rows)
        self.own_weight.copy_(torch.where(self.trained_mask, self.stored, 0))
        self._watch.trust(self.link_parameter)

    def prepare_links(self, cells: Tensor, trained: Tensor | None = None) -> Callable[[], Moved]:
        """Return a function that sets links and trained cells, given those of all rows; each rank takes its own."""
        chosen = cells if trained is None else trained
        return self._prepared(cells, self._mask_of(chosen), chosen.numel(), begins=trained is not None)

    def _load_links(self, cells: Tensor) -> None:
        """Set loaded links; which other cells are trained is part of the topology's state."""
        others = self._mask_of(cells)
        if self.trained is not None:
            others |= self.trained
        self._prepared(cells, others, max(self._n_trained, cells.numel()))()

    def _prepared(self, cells: Tensor, others: Tensor, n_trained: int, *, begins: bool = False) -> Callable[[], Moved]:
        """Return a function that sets the links, given the trained cells of this rank's rows."""
        mask, bits = self._mask_of(cells), self._bits_of(cells)
        own = mask.flatten().nonzero().squeeze(1)
        first = torch.empty_like(mask) if begins and self.trained is None else None

        @torch.no_grad()
        def commit() -> Moved:
            weight = self.own_weight
            torch.where(self.trained_mask, weight, self.stored, out=self.stored)
            self.links, self.bits = own, bits
            self._n_links, self._n_trained = cells.numel(), n_trained
            self.mask.copy_(mask)
            if first is not None:
                self.trained = first
            if self.trained is not None:
                self.trained.copy_(others)
            weight.copy_(self.stored)
            return self._clear(others.logical_not())

        return commit

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.trained is not None:
            destination[f"{prefix}weight"] = self.shard.dtensor(torch.where(self.mask, self.own_weight, 0))

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        values = self.own_latest()
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if self.trained is not None:  # only links are loaded; other trained cells keep their values
            with torch.no_grad():
                others = torch.where(self.trained_mask, values, 0)
                self.own_weight.copy_(torch.where(self.mask, self.own_weight, others))
            self._watch.trust(self.link_parameter)


class _OnLinks(torch.autograd.Function):
    """The gathered weight on the links and 0 elsewhere, with the gradient of all cells."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, bits: Tensor) -> Tensor:
        return torch.where(unpacked(bits, weight.shape[1]), weight, 0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None
