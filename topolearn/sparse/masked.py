"""`MaskedLinear`: a dense weight that is zero off the links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.sparse.change import LinkChange
from topolearn.sparse.conversion.dense_layers import own_layout
from topolearn.sparse.conversion.loaded_weight import ON_META, off_links
from topolearn.sparse.gradients.record import MaskedRecord
from topolearn.sparse.linear import SparseLinear, check_layer
from topolearn.sparse.weights.by_cell import fill_at, put_at, values_at
from topolearn.sparse.weights.optimizer_steps import version_of
from topolearn.sparse.weights.packed_links import BITS, KEY, packed, unpacked
from topolearn.sparse.weights.zero_off_links import ZeroOffLinks
from topolearn.waiting import Readings

INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by the size of an element in bytes


class _Listed(NamedTuple):
    """The links of a mask, with the versions of both tensors when they were listed."""

    cells: Tensor
    mask: Tensor
    versions: tuple[int, int]

    @classmethod
    def of(cls, cells: Tensor, mask: Tensor) -> _Listed:
        return cls(cells, mask, (version_of(cells), version_of(mask)))

    def is_of(self, mask: Tensor) -> bool:
        """Whether these still are the links of a mask, and the list has not been written to."""
        versions = version_of(self.cells), version_of(mask)
        return mask is self.mask and versions == self.versions and min(versions) >= 0


class MaskedLinear(SparseLinear, nn.Linear):
    """The masked backend of `SparseLinear`.

    The forward is that of `torch.nn.Linear`, and a hook masks the gradient as soon as it is accumulated, so an
    optimizer that ignores zero gradients never moves a weight off the links. Whatever else writes to the weight, it is
    zero off the links at the next forward pass or optimizer step (`topolearn.sparse.weights.zero_off_links`). The keys
    of ``state_dict`` are those of `torch.nn.Linear` and ``links_packed``, which stores the links with the weights;
    without this key, ``weight`` is taken to be that of the dense layer, and non-zero weights off the present links are
    rejected.

    Attributes
    ----------
    mask : Tensor of bool, shape (out_features, in_features)
        The adjacency.

    Examples
    --------
    >>> import numpy as np, topolearn as tl
    >>> layer = tl.SparseLinear(3, 2, graph=tl.BipartiteGraph(np.eye(2, 3)), backend="masked")
    >>> type(layer).__name__, layer.weight.shape
    ('MaskedLinear', torch.Size([2, 3]))
    """

    mask: Tensor
    weight: nn.Parameter
    link_buffers: ClassVar[tuple[str, ...]] = ("mask",)
    record_kind = MaskedRecord
    _listed: _Listed | None = None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        graph: BipartiteGraph,
        bias: bool = True,
        backend: str = "masked",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_layer(in_features, out_features, graph, dtype)
        nn.Linear.__init__(self, in_features, out_features, bias=bias, device=device, dtype=dtype)
        self.layer_name = ""
        self._kept: Tensor | None = None
        self._kept_version = -1
        self.register_buffer("mask", graph.to_torch(device=self.weight.device), persistent=False)
        self._watch = ZeroOffLinks(self)
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (..., out_features), for inputs of shape (..., in_features)."""
        return F.linear(x, self._checked_weight(), self.bias)

    def _checked_weight(self) -> Tensor:
        """Return the weight, zero off the trained cells; a compiled forward leaves the check to the steps."""
        weight = self.weight
        if torch.compiler.is_compiling() or self._watch.trusts(weight):
            return weight
        # A substitute, as from functional_call; a parameter that another layer watches stays as that layer wants it.
        if not isinstance(weight, nn.Parameter) or weight.is_inference() or self._watch.others(weight):
            return torch.where(self.trained_mask, weight, 0)
        if hasattr(weight, "placements"):
            raise InvalidValueError(
                f"the weight of layer {self.layer_name!r} is a DTensor, but its links are not sharded: wrap the model "
                "in DistributedDataParallel, or parallelize only layers that are not sparse"
            )
        self._watch.restore(weight)
        return weight

    def trust_links(self) -> None:
        """Accept the weight as it is, after a write that left it zero off the trained cells."""
        self._watch.trust(self.link_parameter)

    def clear_off_links(self, trained: Tensor | None = None) -> None:
        """Write zeros off the trained cells, even after writes through ``weight.data``, and warn if any was not 0."""
        weight = self.link_parameter
        if isinstance(weight, nn.Parameter) and not weight.is_inference():
            self._watch.restore(weight, trained)

    def report_writes(self, readings: Readings) -> None:
        """Queue the count of values that other code wrote off the links on an accelerator, for the host to read."""
        self._watch.report(readings)

    def mask_off_links(self) -> None:
        """Write zeros off the trained cells, whatever their values are."""
        weight = self.link_parameter
        if self._watch.trusts(weight):
            self._watch.mask_weight(weight)
        else:
            self._watch.restore(weight)

    def watch_steps(self) -> None:
        """Watch the steps of optimizers that train the weight."""
        self._watch.put_on(self.link_parameter)

    def note_links(self, optimizer: Optimizer) -> None:
        """Note that an optimizer's state for the weight is zero off the present trained cells."""
        self._watch.trust_moments(optimizer, self.link_parameter)

    @property
    def links_packed(self) -> Tensor:
        """The links as bits, as stored in ``state_dict``; see `topolearn.sparse.weights.packed_links`."""
        return packed(self.mask)

    def train(self, mode: bool = True) -> MaskedLinear:
        """Set training mode; switching to evaluation checks the weight in full."""
        if not mode:
            self.clear_off_links()
        return super().train(mode)

    @property
    def link_parameter(self) -> nn.Parameter:
        """The dense weight."""
        return self.weight

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.cells().numel()

    @property
    def link_stamp(self) -> tuple[Tensor, int]:
        """The mask and its version; changes whenever the links change."""
        return self.mask, self.mask._version

    def cells(self) -> Tensor:
        """Return the links as sorted flat positions, on the layer's device.

        The list is cached until the links change.
        """
        listed = self._listed
        if listed is None or not listed.is_of(self.mask):
            listed = self._listed = _Listed.of(self.mask.flatten().nonzero().squeeze(1), self.mask)
        return listed.cells

    def link_values(self) -> Tensor:
        """Return the values of the links, detached."""
        return self.values_at(self.cells())

    def link_gradient(self) -> Tensor | None:
        """Return the gradient of the links, or None if there is none; see `SparseLinear.link_gradient`."""
        gradient = self.weight.grad
        if gradient is None:
            return None
        return gradient.reshape(-1)[self.cells()].to(torch.promote_types(gradient.dtype, torch.float32))

    @property
    def trained_mask(self) -> Tensor:
        """Which cells get a gradient: the links."""
        return self.mask

    def prepare_links(self, cells: Tensor) -> Callable[[], Callable[[Tensor], Tensor]]:
        """Return a function that gives the layer other links; see `SparseLinear.prepare_links`."""
        cells = cells.to(self.mask.device)
        mask = self._mask_of(cells)

        @torch.no_grad()
        def commit() -> Callable[[Tensor], Tensor]:
            self.mask.copy_(mask)
            self._listed = _Listed.of(cells, self.mask)
            return self._clear(mask.logical_not_())

        return commit

    def _mask_of(self, cells: Tensor) -> Tensor:
        """Return the mask of some cells."""
        mask = torch.zeros_like(self.mask)
        mask.view(-1)[cells.to(mask.device)] = True
        return mask

    def _clear(self, off: Tensor) -> Callable[[Tensor], Tensor]:
        """Zero everything off the trained cells; return a function that does so to an optimizer state tensor."""
        if self._kept is not None:  # in place, as a captured CUDA graph reads it
            self._kept.copy_(self.trained_mask).neg_()
            self._kept_version = version_of(self.trained_mask)
        self.weight.masked_fill_(off, 0)
        if self.weight.grad is not None:
            self.weight.grad.masked_fill_(off, 0)

        def moved(state: Tensor) -> Tensor:
            return state.masked_fill_(off, 0)

        self._watch.follow_links(self.weight, moved)
        return moved

    def prepare_change(self, change: LinkChange) -> Callable[[], Callable[[Tensor], Tensor]]:
        """Return a function that removes some links and adds others; see `SparseLinear.prepare_change`."""

        def moved(state: Tensor) -> Tensor:
            return fill_at(state, change.lost, 0)

        @torch.no_grad()
        def commit() -> Callable[[Tensor], Tensor]:
            fill_at(fill_at(self.mask, change.lost, False), change.grown, True)
            self._listed = _Listed.of(change.cells, self.mask)
            if self._kept is not None:
                fill_at(fill_at(self._kept, change.lost, 0), change.grown, -1)
                self._kept_version = version_of(self.mask)
            moved(self.weight)
            if self.weight.grad is not None:
                moved(self.weight.grad)
            self._watch.follow_links(self.weight, moved)
            return moved

        self._checked_weight()
        return commit

    def values_at(self, cells: Tensor) -> Tensor:
        """Return the values of the links, detached, given their cells."""
        return values_at(self.weight.detach(), cells)

    @torch.no_grad()
    def set_values_at(self, cells: Tensor, values: Tensor) -> None:
        """Write the values of the links, given their cells."""
        trusted = self._watch.trusts(self.weight)
        put_at(self.weight, cells, values.to(self.weight))
        if trusted:
            self._watch.trust(self.weight)

    @torch.no_grad()
    def set_link_values(self, values: Tensor) -> None:
        """Write the values of the links, in the order of `cells`."""
        self.weight.masked_fill_(~self.trained_mask, 0)
        put_at(self.weight, self.cells(), values.to(self.weight))
        self._watch.trust(self.weight)

    def reset_parameters(self) -> None:
        """Redraw all parameters: the weights with `reset_weight`, the bias as `torch.nn.Linear` does."""
        super().reset_parameters()
        if "mask" in self._buffers:  # nn.Linear calls this once before the links are known
            self.reset_weight()

    def trained_bits(self, tensor: Tensor) -> Tensor:
        """Return the mask of the trained cells as integers as wide as a tensor's elements, with all bits of a cell set.

        A bitwise and takes a fifth of the time of ``where``, and clears NaN, which a product would not.
        """
        kind = INTEGERS[tensor.itemsize]
        if tensor.dtype != self.weight.dtype:
            return self.trained_mask.to(tensor.device, kind).neg_()
        trained = self.trained_mask
        if self._kept is None or self._kept.dtype != kind or self._kept.device != tensor.device:
            self._kept = trained.to(kind).neg_()
        elif self._kept_version != version_of(trained):  # other code wrote to it, as averages do that copy buffers
            self._kept.copy_(trained).neg_()
        self._kept_version = version_of(trained)
        return self._kept

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": None, "_listed": None, "record": None, "_watch": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Copies and unpickled layers have their own parameter, and hooks are not copied.
        super().__setstate__(state)
        self._watch = ZeroOffLinks(self)
        self._watch.restore(self.weight)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        self.clear_off_links()
        self.report_writes(readings := Readings())
        readings.settle()
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + KEY] = self.links_packed

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        if self.mask.is_meta:
            error_msgs.append(f"{prefix}{ON_META}")
            return
        bits, weight, mask = state_dict.get(prefix + KEY), state_dict.get(f"{prefix}weight"), self.mask
        if isinstance(bits, Tensor):
            problem = self._problem(bits)
            if problem:
                error_msgs.append(f"{prefix}{problem}")
                return
            mask = unpacked(bits, self.in_features).to(self.mask.device)
        elif isinstance(weight, Tensor):
            weight = own_layout(self, weight)
            state_dict = {**state_dict, f"{prefix}weight": weight}
        weight = weight if isinstance(weight, Tensor) and weight.shape == mask.shape else None
        if weight is not None:
            n_off = int(((weight != 0) & ~mask.to(weight.device)).sum())
            if n_off:
                error_msgs.append(f"{prefix}{off_links(n_off)}")
                return
        if not torch.equal(mask, self.mask):
            self._load_links(mask.flatten().nonzero().squeeze(1))
        others = {key: value for key, value in state_dict.items() if key != prefix + KEY}
        super()._load_from_state_dict(others, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        if weight is not None:  # checked above to be zero off the links
            self._watch.trust(self.weight)

    def _load_links(self, cells: Tensor) -> None:
        """Set the links from a loaded state."""
        self.set_links(cells)

    def _problem(self, bits: Tensor) -> str | None:
        """Return what is wrong with links to be loaded, or None."""
        shape = (self.out_features, -(-self.in_features // BITS))
        if bits.dtype != torch.uint8 or tuple(bits.shape) != shape:
            return f"{KEY} is {bits.dtype} of shape {tuple(bits.shape)}, but this layer needs uint8 of shape {shape}"
        if not bool(bits.any()):
            return f"{KEY} has no links: a sparse layer needs at least one"
        return None
