"""`StoredLinear`: a masked layer that remembers the value of every cell, and may train more cells than its links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from topolearn.graph import BipartiteGraph
from topolearn.sparse.change import LinkChange
from topolearn.sparse.masked import MaskedLinear
from topolearn.sparse.weights.by_cell import put_at, values_at
from topolearn.waiting import is_asynchronous


class StoredLinear(MaskedLinear):
    r"""The masked backend of `SparseLinear` for methods with ``storage="dense"``.

    A cell that is no longer trained keeps its value, and gets it back when it is trained again. The trained cells are
    the links (GMP), or the links and others (Top-KAST). The layer computes with the links only; the gradient

    .. math:: \partial L / \partial W, \quad W_{ij} = \theta_{ij} \text{ on the links, else } 0

    goes "straight through" to the values :math:`\theta` of all trained cells, and no other cell changes. The parameter
    ``weight`` is :math:`\theta` on the trained cells and zero elsewhere, so that neither weight decay nor momentum
    moves untrained cells. The ``weight`` of ``state_dict`` is W, which loads into `torch.nn.Linear` and computes the
    same; :math:`\theta` is saved with the topology (see `topolearn.TopologyScheduler.state_dict`).

    Attributes
    ----------
    stored : Tensor, shape (out_features, in_features)
        The last value of each cell that is not trained; `latest_values` has those of all cells.
    trained : Tensor of bool, shape (out_features, in_features), or None
        The trained cells, including the links; None where only the links are trained.
    links : Tensor of int64, shape (n_links,)
        The links as sorted flat positions, so that a step does not have to find them.

    References
    ----------
    Jayakumar et al. (2020), "Top-KAST: Top-K always sparse training", NeurIPS.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> graph = tl.BipartiteGraph.from_edges([(0, 0)], n_in=3, n_out=1)
    >>> layer = StoredLinear(3, 1, graph=graph, bias=False)
    >>> _ = layer.set_links(torch.tensor([0]), trained=torch.tensor([0, 1]))
    >>> layer.set_stored(torch.tensor([3.0, 2.0, 1.0]))
    >>> layer(torch.ones(1, 3)).backward()
    >>> layer.dense_weight().tolist(), layer.weight.tolist(), layer.weight.grad.tolist()
    ([[3.0, 0.0, 0.0]], [[3.0, 2.0, 0.0]], [[1.0, 1.0, 0.0]])
    """

    stored: Tensor
    trained: Tensor | None
    links: Tensor
    link_buffers = ("mask", "stored", "trained", "links")

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
        super().__init__(in_features, out_features, graph, bias, backend, device, dtype)
        self.register_buffer("stored", torch.zeros_like(self.weight.detach()), persistent=False)
        self.register_buffer("trained", None, persistent=False)
        self.register_buffer("links", super().cells(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (..., out_features), for inputs of shape (..., in_features)."""
        if self.trained is None:
            return super().forward(x)
        self._checked_weight()
        return F.linear(x, self._on_links(), self.bias)

    def cells(self) -> Tensor:
        """Return the links as sorted flat positions, on the layer's device."""
        links = self._buffers.get("links")  # weights are drawn before this buffer exists
        return super().cells() if links is None else links

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.cells().numel()

    @property
    def trained_mask(self) -> Tensor:
        """Which cells get a gradient."""
        trained = self._buffers.get("trained")  # like the links, not there when weights are drawn
        return self.mask if trained is None else trained

    @property
    def n_trained(self) -> int:
        """Number of trained cells."""
        return int(self.trained_mask.sum())

    def latest_values(self) -> Tensor:
        """Return the last value of each cell, detached, shape (out_features * in_features,)."""
        return torch.where(self.trained_mask, self.weight.detach(), self.stored).flatten()

    @torch.no_grad()
    def set_stored(self, values: Tensor) -> None:
        """Write the values of all cells, in the order of their flat positions."""
        self.stored.copy_(values.view(self.shape))
        self.weight.copy_(torch.where(self.trained_mask, self.stored, 0))
        self._watch.trust(self.weight)

    def set_links(self, cells: Tensor, trained: Tensor | None = None) -> Callable[[Tensor], Tensor]:
        """Give the layer other links, in place; all cells keep their last value, and trained cells their gradient.

        Parameters
        ----------
        cells : Tensor of int64, shape (n_links,)
            Sorted flat positions of the links.
        trained : Tensor of int64, optional
            Flat positions of the trained cells, including the links; default only the links.

        Returns
        -------
        callable
            As for `SparseLinear.set_links`.
        """
        return self.prepare_links(cells, trained)()

    def prepare_links(self, cells: Tensor, trained: Tensor | None = None) -> Callable[[], Callable[[Tensor], Tensor]]:
        """Return a function that gives the layer other links; see `SparseLinear.prepare_links`."""
        links, mask = cells.to(self.mask.device), self._mask_of(cells)
        others = mask if trained is None else self._mask_of(trained)
        first = torch.empty_like(mask) if trained is not None and self.trained is None else None

        @torch.no_grad()
        def commit() -> Callable[[Tensor], Tensor]:
            torch.where(self.trained_mask, self.weight, self.stored, out=self.stored)
            self.links = links
            self.mask.copy_(mask)
            if first is not None:
                self.trained = first
            if self.trained is not None:  # in place, as a captured CUDA graph reads it
                self.trained.copy_(others)
            self.weight.copy_(self.stored)
            return self._clear(others.logical_not_())

        return commit

    def _load_links(self, cells: Tensor) -> None:
        """Set the links from a loaded state; the other trained cells are loaded with the topology."""
        trained = None if self.trained is None else self.trained.flatten().index_fill(0, cells, True)
        self.set_links(cells, None if trained is None else trained.nonzero().squeeze(1))

    def prepare_change(self, change: LinkChange) -> Callable[[], Callable[[Tensor], Tensor]]:
        """Return a function that changes the links; all cells keep their last value, even if both lost and grown."""
        return self.prepare_links(change.cells)

    def _on_links(self) -> Tensor:
        """Return the weight on the links and 0 elsewhere; the gradient is that of the weight on all cells."""
        if torch.compiler.is_compiling() or is_asynchronous(self.weight.device):
            # The mask keeps its address and size, so that captured and compiled code can read it.
            return _MaskedStraightThrough.apply(self.weight, self.mask)
        return _StraightThrough.apply(self.weight, self.links)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.trained is not None:
            weight = self._on_links()
            destination[f"{prefix}weight"] = weight if keep_vars else weight.detach()

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        before = self.weight
        values = self.latest_values().view(self.shape)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if self.trained is None:
            return
        with torch.no_grad():  # loaded values are for the links; the other trained cells keep their values
            others = torch.where(self.trained_mask, values.to(self.weight), 0)
            whole = torch.where(self.mask, self.weight, others)
            if self.weight is before:
                self.weight.copy_(whole)
            else:  # with assign=True, the parameter is the caller's tensor
                self.weight.data = whole
        self._watch.trust(self.weight)


class _MaskedStraightThrough(torch.autograd.Function):
    """The weight where a mask is true and 0 elsewhere; the gradient passes through to all cells."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, weight, 0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class _StraightThrough(torch.autograd.Function):
    """The weight on some cells and 0 elsewhere, with the gradient for all cells; four times as fast as ``where``."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, cells: Tensor) -> Tensor:
        on_cells = torch.zeros_like(weight)
        put_at(on_cells, cells, values_at(weight, cells))
        return on_cells

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None
