"""`CsrLinear`: a sparse layer that stores only its links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.sampling import fingerprint
from topolearn.sampling.fingerprint import MODULUS
from topolearn.sparse.chains.chain import Stage, sparse_chain
from topolearn.sparse.change import LinkChange
from topolearn.sparse.conversion.loaded_weight import ON_META, values_of
from topolearn.sparse.gradients.record import CsrRecord
from topolearn.sparse.linear import SparseLinear, check_layer
from topolearn.sparse.products.index import LinkIndex
from topolearn.sparse.weights.link_order import KEY, LinkOrder, Replaced, belongs
from topolearn.sparse.weights.optimizer_steps import version_of


class CsrLinear(SparseLinear):
    """The csr backend of `SparseLinear`.

    Its parameter `values` has one element per link, row by row. On the CPU, products are compiled with numba and go
    through the links only; on other devices, and without numba, they are torch's sparse products. Results do not depend
    on the number of threads. Under autocast, the layer still computes in the dtype of its values. The keys of
    ``state_dict`` are ``values``, ``crow``, ``col`` and ``bias``, so links are saved with the values. The layer also
    loads the ``weight`` of a dense layer, which must be zero off its present links.

    Attributes
    ----------
    values : Parameter, shape (n_links,)
        The values of the links.
    crow, col : Tensor of int64, shape (out_features + 1,), and int32, shape (n_links,)
        Output u has links from the inputs ``col[crow[u]:crow[u + 1]]``.
    fingerprint : int
        A number that identifies the links; see `topolearn.sparse.weights.link_order`.
    feature_major : bool
        Whether outputs are a view of feature-major memory, so that a csr layer that reads them, directly or through
        neuron-wise functions, transposes nothing. The default is True; `topolearn.sparsify` sets it for each layer.

    Examples
    --------
    >>> import numpy as np, torch, topolearn as tl
    >>> layer = tl.SparseLinear(3, 2, graph=tl.BipartiteGraph(np.eye(2, 3)), backend="csr", bias=False)
    >>> layer.set_link_values(torch.tensor([2.0, 3.0]))
    >>> layer(torch.tensor([[1.0, 10.0, 100.0]])).tolist()
    [[2.0, 30.0]]
    """

    crow: Tensor
    col: Tensor
    bias: nn.Parameter | None
    record: CsrRecord | None
    feature_major = True
    link_buffers = ("crow", "col")
    record_kind = CsrRecord

    def __init__(
        self,
        in_features: int,
        out_features: int,
        graph: BipartiteGraph,
        bias: bool = True,
        backend: str = "csr",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_layer(in_features, out_features, graph, dtype)
        super().__init__()
        self.in_features, self.out_features, self.layer_name = in_features, out_features, ""
        cells = torch.tensor(graph.cells, device=torch.get_default_device() if device is None else device)
        self.values = nn.Parameter(torch.empty(graph.n_links, device=cells.device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_features, device=cells.device, dtype=dtype)) if bias else None
        self._index: LinkIndex | None = LinkIndex.of_cells(cells, out_features, in_features)
        self.register_buffer("crow", self._index.crow)
        self.register_buffer("col", self._index.col)
        self._versions = version_of(self.crow), version_of(self.col)
        self.fingerprint = self._before_change = fingerprint(cells)
        self._order = LinkOrder(self)
        self._order.put_on(self.values)
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (..., out_features), for inputs of shape (..., in_features)."""
        return sparse_chain(x, [self.stage()], feature_major=self.feature_major)

    def stage(self, relu: bool = False) -> Stage:
        """Return the layer as a stage of a chain, with or without a ReLU after it.

        Examples
        --------
        Compute two layers at once, as the ``forward`` of a custom module could:

        >>> import torch, topolearn as tl
        >>> g = tl.generators.erdos_renyi(8, 8, 0.3, seed=0)
        >>> first, second = (tl.SparseLinear(8, 8, graph=g, backend="csr") for _ in range(2))
        >>> x = torch.randn(4, 8)
        >>> y = tl.sparse.sparse_chain(x, [first.stage(relu=True), second.stage()])
        >>> torch.allclose(y, second(torch.relu(first(x))), atol=1e-6)
        True
        """
        if not torch.compiler.is_compiling():
            self._check_owner()
        waiting = None if self.record is None else self.record.waiting
        return Stage(self.index, self.values, self.bias, relu, waiting)

    def _check_owner(self) -> None:
        """Check that the values are not those of a layer with other links, as from `torch.func.functional_call`."""
        hooks = self.values._post_accumulate_grad_hooks
        if not hooks:
            if isinstance(self.values, nn.Parameter):  # not a substitute
                self.watch_steps()
            return
        if len(hooks) == 1 and self._order in hooks.values():
            return
        for other in self._order.others(self.values):
            if isinstance(other, LinkOrder) and other.fingerprint != self.fingerprint:
                raise InvalidValueError(
                    f"the values of layer {self.layer_name!r} are those of a layer with other links: call that model "
                    "itself, or copy its links with load_state_dict"
                )

    @property
    def index(self) -> LinkIndex:
        """The links, indexed for the products.

        Raises
        ------
        InvalidValueError
            When other code changed `crow` or `col`, so that values would belong to the wrong links.
        """
        index, versions = self._index, self._versions
        if not torch.compiler.is_compiling():
            versions = version_of(self.crow), version_of(self.col)
        if index is None or versions != self._versions:
            index = self._own_index()
            if index is None:
                raise InvalidValueError(
                    f"crow and col of layer {self.layer_name!r} were changed from outside, so its values would belong "
                    "to the wrong links: use load_state_dict or set_links, and tl.AveragedModel for averages"
                )
            self._index, self._versions = index, versions
        return index

    def _own_index(self) -> LinkIndex | None:
        """Return the links by `crow` and `col`, or None if other code has written to these, or never filled them."""
        if self._problem(self.crow, self.col, self.col):
            return None
        index = LinkIndex(self.crow, self.col, self.in_features)
        return index if fingerprint(index.cells) == self.fingerprint else None

    @property
    def link_parameter(self) -> nn.Parameter:
        """The values of the links."""
        return self.values

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.col.numel()

    @property
    def link_stamp(self) -> tuple[Tensor, int]:
        """The tensor `crow` and its version; changes whenever the links change."""
        return self.crow, self.crow._version

    def cells(self) -> Tensor:
        """Return the links as sorted flat positions, on the layer's device."""
        return self.index.cells

    def link_list(self) -> LinkIndex:
        """Return the links as they are now, by the layer's own tensors, which are replaced when the links change."""
        return LinkIndex(self.crow, self.col, self.in_features)

    def link_values(self) -> Tensor:
        """Return the values of the links, detached."""
        return self.values.detach()

    def link_gradient(self) -> Tensor | None:
        """Return a copy of the gradient of the links, or None if there is none; see `SparseLinear.link_gradient`."""
        return None if self.values.grad is None else self.values.grad.clone()

    def prepare_links(self, cells: Tensor) -> Callable[[], Callable[[Tensor], Tensor]]:
        """Return a function that gives the layer other links, of any number; see `SparseLinear.prepare_links`."""
        return self.prepare_change(LinkChange.between(self.cells(), cells.to(self.col.device)))

    def prepare_change(self, change: LinkChange) -> Callable[[], Callable[[Tensor], Tensor]]:
        """Return a function that removes some links and adds others; see `SparseLinear.prepare_change`."""
        index = self.index.changed(change)
        return lambda: self._change(change, index)

    @torch.no_grad()
    def _change(self, change: LinkChange, index: LinkIndex) -> Callable[[Tensor], Tensor]:

        def moved(state: Tensor) -> Tensor:
            moved_state = change.moved(state)
            return state.copy_(moved_state) if state.shape == moved_state.shape else moved_state

        gradient = self.values.grad
        self._before_change = self.fingerprint
        self.fingerprint = (self.fingerprint + fingerprint(change.grown) - fingerprint(change.lost)) % MODULUS
        self._order.replaced = None
        self._set_values(change.moved(self.values.data))  # in new memory, as a state_dict() may hold the former
        self.values.grad = None if gradient is None else moved(gradient)
        self._take(index)
        return moved

    def values_at(self, cells: Tensor) -> Tensor:
        """Return the values of the links, detached."""
        return self.link_values()

    def set_values_at(self, cells: Tensor, values: Tensor) -> None:
        """Write the values of the links."""
        self.set_link_values(values)

    @torch.no_grad()
    def set_link_values(self, values: Tensor) -> None:
        """Write the values of the links, in the order of `cells`."""
        if values.shape != self.values.shape:
            raise InvalidValueError(
                f"values has shape {tuple(values.shape)}: it must be ({self.n_links},), one value per link"
            )
        self.values.copy_(values)

    def precedes_change(self, state: Mapping[str, Any]) -> bool:
        """Whether an optimizer's state for the values belongs to the links before their last change."""
        return KEY not in state or belongs(state, self._before_change)

    def watch_steps(self) -> None:
        """Watch the steps of optimizers that train the values."""
        self._order.put_on(self.values)

    def note_links(self, optimizer: Optimizer) -> None:
        """Mark an optimizer's state for the values as belonging to the present links."""
        state = optimizer.state.get(self.values, {})
        if KEY in state:
            state[KEY] = self._order.mark(self.fingerprint)

    def reset_parameters(self) -> None:
        """Redraw all parameters: the values with `reset_weight`, the bias as `torch.nn.Linear` does."""
        self.reset_bias()
        self.reset_weight()

    def _set_values(self, values: Tensor) -> None:
        """Give the parameter other data, possibly of another size, and no gradient."""
        self.values.grad = None
        if values.shape != self.values.shape:  # autograd forgets the old size only when the dtype changes
            self.values.data = torch.empty(0, dtype=torch.float16, device=values.device)
        self.values.data = values
        if not self.values.is_inference():  # a backward pass of an earlier forward must not take them for its own
            torch.autograd.graph.increment_version(self.values)

    def _take(self, index: LinkIndex) -> None:
        self.crow, self.col, self._index = index.crow, index.col, index
        self._versions = version_of(self.crow), version_of(self.col)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> CsrLinear:
        self._index = None  # its tensors may move to another device
        super()._apply(fn, recurse)
        self._order.put_on(self.values)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_index": None, "record": None, "_order": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        cells = LinkIndex(self.crow, self.col, self.in_features).cells
        self.fingerprint = self._before_change = fingerprint(cells)
        self._order = LinkOrder(self)
        self._order.put_on(self.values)

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        if self.crow.is_meta:
            error_msgs.append(f"{prefix}{ON_META}")
            return
        weight = state_dict.get(f"{prefix}weight")
        if isinstance(weight, Tensor) and f"{prefix}values" not in state_dict:
            values = values_of(self, weight)
            if isinstance(values, str):
                error_msgs.append(f"{prefix}{values}")
                return
            own = {f"{prefix}values": values, f"{prefix}crow": self.crow, f"{prefix}col": self.col}
            state_dict = {key: value for key, value in state_dict.items() if key != f"{prefix}weight"} | own
        links = [state_dict.get(f"{prefix}{name}") for name in ("crow", "col", "values")]
        if all(isinstance(each, Tensor) for each in links):
            problem = self._problem(*links)  # type: ignore[arg-type]
            if problem:
                error_msgs.append(f"{prefix}{problem}")
                return
            before, replaced = self._own_index(), self.fingerprint
            self._make_room(*links)  # type: ignore[arg-type]
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        self._index = None
        self._order.put_on(self.values)
        if all(isinstance(each, Tensor) for each in links):
            cells = LinkIndex(self.crow, self.col, self.in_features).cells
            self.fingerprint = fingerprint(cells)
            if self.fingerprint != replaced and before is not None:
                self._order.replaced = Replaced(replaced, LinkChange.between(before.cells, cells))

    def _problem(self, crow: Tensor, col: Tensor, values: Tensor) -> str | None:
        """Return what is wrong with links to be loaded, or None."""
        if crow.is_floating_point() or col.is_floating_point() or crow.is_complex() or col.is_complex():
            return f"crow and col are {crow.dtype} and {col.dtype}, but must be integers"
        if crow.shape != self.crow.shape:
            return f"crow is for a layer with {crow.numel() - 1} outputs, but this one has {self.out_features}"
        if col.dim() != 1 or values.shape != col.shape or int(crow[0]) != 0 or int(crow[-1]) != col.numel():
            return (
                f"crow, col and values do not match: crow has {int(crow[-1])} links, col {col.numel()} and values "
                f"{values.numel()}"
            )
        if bool((crow.diff() < 0).any()) or not col.numel() or int(col.min()) < 0 or int(col.max()) >= self.in_features:
            return f"crow and col are not valid links of a layer with {self.in_features} inputs"
        cells = LinkIndex(crow, col, self.in_features).cells
        if bool((cells.diff() <= 0).any()):
            return "col is not sorted within each output, or repeats a link"
        return None

    @torch.no_grad()
    def _make_room(self, crow: Tensor, col: Tensor, values: Tensor) -> None:
        """Resize parameters and buffers to the state to be loaded."""
        if col.shape != self.col.shape:
            self._set_values(self.values.new_zeros(values.shape))
        self.crow, self.col = self.crow.clone(), torch.zeros_like(col, device=self.col.device)
