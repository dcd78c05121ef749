"""`MaskedLinear`: a dense weight that is zero off the links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from topolearn.graph import BipartiteGraph
from topolearn.sparse.change import LinkChange
from topolearn.sparse.gradient_record import MaskedRecord
from topolearn.sparse.linear import SparseLinear, check_graph

INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # by the bytes of a weight


class MaskedLinear(SparseLinear, nn.Linear):
    """The masked backend of `SparseLinear`.

    The forward is that of `torch.nn.Linear`, and a hook masks the gradient as soon as it is accumulated, so that no
    optimizer that leaves a zero gradient alone ever moves a weight that is no link. The keys of ``state_dict`` are
    those of `torch.nn.Linear`; the links travel with the topology (see `topolearn.TopologyScheduler.state_dict`), and
    weights off the mask are refused.

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
    record_kind = MaskedRecord

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
        check_graph(in_features, out_features, graph)
        nn.Linear.__init__(self, in_features, out_features, bias=bias, device=device, dtype=dtype)
        self.layer_name = ""
        self._kept: Tensor | None = None
        self.register_buffer("mask", graph.to_torch(device=self.weight.device), persistent=False)
        self._mask_gradient()
        self.reset_parameters()

    @property
    def link_parameter(self) -> nn.Parameter:
        """The dense weight."""
        return self.weight

    @property
    def n_links(self) -> int:
        """Number of links."""
        return int(self.mask.sum())

    @property
    def link_stamp(self) -> tuple[Tensor, int]:
        """What is another one when the links have changed."""
        return self.mask, self.mask._version

    def cells(self) -> Tensor:
        """Return the links as sorted flat positions, on the layer's device."""
        return self.mask.flatten().nonzero().squeeze(1)

    def link_values(self) -> Tensor:
        """Return the values of the links, detached."""
        return self.weight.detach()[self.mask]

    def link_gradient(self) -> Tensor | None:
        """Return the gradient of the links, or None if there is none; see `SparseLinear.link_gradient`."""
        gradient = self.weight.grad
        return None if gradient is None else gradient[self.mask].to(torch.promote_types(gradient.dtype, torch.float32))

    @property
    def trained_mask(self) -> Tensor:
        """Which cells get a gradient: the links."""
        return self.mask

    @torch.no_grad()
    def set_links(self, cells: Tensor) -> Callable[[Tensor], Tensor]:
        """Give the layer other links; see `SparseLinear.set_links`."""
        self.mask.zero_().view(-1)[cells.to(self.mask.device)] = True
        return self._clear_untrained()

    def _clear_untrained(self) -> Callable[[Tensor], Tensor]:
        """Let nothing be where no gradient is; return what does so to a state of the optimizer."""
        if self._kept is not None:  # in place, as a captured CUDA graph reads it
            self._kept.copy_(self.trained_mask).neg_()
        off = ~self.trained_mask
        self.weight.masked_fill_(off, 0)
        if self.weight.grad is not None:
            self.weight.grad.masked_fill_(off, 0)
        return lambda state: state.masked_fill_(off, 0)

    @torch.no_grad()
    def change_links(self, change: LinkChange) -> Callable[[Tensor], Tensor]:
        """Take some links away and add others; see `SparseLinear.change_links`."""
        lost, grown = ((cells // self.in_features, cells % self.in_features) for cells in (change.lost, change.grown))

        def moved(state: Tensor) -> Tensor:
            state[lost] = 0
            return state

        self.mask[lost], self.mask[grown] = False, True
        if self._kept is not None:
            self._kept[lost], self._kept[grown] = 0, -1
        moved(self.weight)
        if self.weight.grad is not None:
            moved(self.weight.grad)
        return moved

    def values_at(self, cells: Tensor) -> Tensor:
        """Return the values of the links, detached, from their cells."""
        return self.weight.detach().view(-1)[cells]

    @torch.no_grad()
    def set_values_at(self, cells: Tensor, values: Tensor) -> None:
        """Write the values of the links, whose cells are known."""
        self.weight.view(-1)[cells] = values.to(self.weight)

    @torch.no_grad()
    def set_link_values(self, values: Tensor) -> None:
        """Write the values of the links, in the order of `cells`."""
        self.weight.masked_fill_(~self.trained_mask, 0)
        self.weight[self.mask] = values.to(self.weight)

    def reset_parameters(self) -> None:
        """Draw all parameters anew: the weights by `reset_weight`, the bias as `torch.nn.Linear` does."""
        super().reset_parameters()
        if "mask" in self._buffers:  # nn.Linear calls this once before the links are known
            self.reset_weight()

    def _mask_gradient(self) -> None:
        def mask_gradient(weight: Tensor) -> None:
            if weight.grad is not None:
                weight.grad.view(INTEGERS[weight.grad.itemsize]).bitwise_and_(self._bits(weight.grad))

        trains = self.weight.requires_grad  # a frozen weight takes no hook, and may be trained later
        self.weight.requires_grad_(True).register_post_accumulate_grad_hook(mask_gradient)
        self.weight.requires_grad_(trains)

    def _bits(self, gradient: Tensor) -> Tensor:
        """Return the mask of the trained cells as integers: all bits of a cell are set, or none.

        A conjunction takes a fifth of the time of ``where``, and stops NaN where a product would not.
        """
        kind = INTEGERS[gradient.itemsize]
        if self._kept is None or self._kept.dtype != kind or self._kept.device != gradient.device:
            self._kept = self.trained_mask.to(kind).neg_()
        return self._kept

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": None, "record": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Copies and unpickled layers have a parameter of their own, and hooks are not copied.
        super().__setstate__(state)
        self._mask_gradient()

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        weight = state_dict.get(f"{prefix}weight")
        if isinstance(weight, Tensor) and weight.shape == self.mask.shape:
            n_off = int(((weight != 0) & ~self.mask.to(weight.device)).sum())
            if n_off:
                error_msgs.append(
                    f"{prefix}weight has {n_off} non-zero weights off the links of the layer: load the topology first "
                    "(TopologyScheduler.load_state_dict), or load before sparsify(model, method, init='keep')"
                )
                return
        before = self.weight
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if self.weight is not before:  # load_state_dict(assign=True) brings a parameter without the hook
            self._mask_gradient()
