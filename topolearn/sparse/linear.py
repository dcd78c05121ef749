"""`SparseLinear`: a linear layer whose weights exist only on the links of a graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.defaults import AUTO
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.sparse.change import LinkChange
from topolearn.sparse.choice import MASKED, best_backend
from topolearn.sparse.gradients.record import GradientRecord
from topolearn.sparse.link_list import LinkList, ListedCells
from topolearn.waiting import Readings


class SparseLinear(nn.Module):
    r"""A linear layer, :math:`y = x W^T + b`, where :math:`W` is zero off the links of a graph.

    The backend decides how the layer computes; links, outputs and gradients are the same for all backends.

    - ``masked`` (`MaskedLinear`): the weight is an ordinary dense parameter that is exactly zero off the mask. It works
      on any device, and suits layers with a large share of all possible links.
    - ``csr`` (`CsrLinear`): the only weight parameter holds the values of the links. Time and memory shrink with the
      number of links.

    Weights and biases are drawn from torch's global generator, like those of `torch.nn.Linear`; within
    `topolearn.sampling.torch_draws_from`, or in a model that `topolearn.sparsify` makes sparse, from a separate one.

    Parameters
    ----------
    in_features, out_features : int
        Numbers of input and output neurons.
    graph : BipartiteGraph
        The links; its sizes must match those of the layer.
    bias : bool
        Whether output neurons have a bias; biases are always dense.
    backend : {"auto", "masked", "csr"}
        How the layer computes; "auto" chooses with `topolearn.sparse.best_backend`.
    device, dtype
        As for `torch.nn.Linear`.

    Attributes
    ----------
    backends : Mapping of str to class
        The class of each backend, the same for all layers: `topolearn.sparse.BACKENDS`.
    layer_name : str
        The name of this layer in the topology; `topolearn.sparsify` sets it.
    dense_class : type
        The class of the dense layer that this one replaced, which `topolearn.densify` restores.
    link_buffers : tuple of str
        The buffers that change with the links.
    init_name : str or None
        How `topolearn.sparsify` initialised the weights of the links, such as "he" or "keep".
    record : GradientRecord or None
        The gradient of all cells, while it is recorded; see `topolearn.sparse.recorded`.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When the graph has the wrong sizes or no links, or the backend is unknown.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> g = tl.generators.bipartite_small_world(64, 32, 0.1, seed=0)
    >>> layer = tl.SparseLinear(64, 32, graph=g)
    >>> layer(torch.zeros(5, 64)).shape, int((layer.weight != 0).sum())
    (torch.Size([5, 32]), 205)
    >>> tl.SparseLinear(64, 32, graph=g, backend="csr").values.shape
    torch.Size([205])
    """

    backends: ClassVar[Mapping[str, type[SparseLinear]]]
    in_features: int
    out_features: int
    layer_name: str
    dense_class: type[nn.Module] = nn.Linear
    link_buffers: ClassVar[tuple[str, ...]] = ()
    init_name: str | None = None
    record: GradientRecord | None = None
    record_kind: type[GradientRecord]

    def __new__(cls, *args: Any, **kwargs: Any) -> SparseLinear:
        """Create a layer of the class that the backend names."""
        if cls is not SparseLinear:
            return super().__new__(cls)
        return super().__new__(cls.backends[_backend(*args, **kwargs)])

    @property
    def link_parameter(self) -> nn.Parameter:
        """The parameter that holds the values of the links."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of output and input neurons."""
        return self.out_features, self.in_features

    @property
    def n_links(self) -> int:
        """Number of links."""
        raise NotImplementedError

    @property
    def graph(self) -> BipartiteGraph:
        """The topology of the layer, as an independent graph."""
        return BipartiteGraph.from_cells(self.cells().cpu().numpy(), self.in_features, self.out_features)

    @property
    def link_stamp(self) -> tuple[Tensor, int]:
        """The tensor that holds the links, and its version; changes whenever the links change."""
        raise NotImplementedError

    def cells(self) -> Tensor:
        """Return the links as sorted flat positions, ``output * in_features + input``, on the layer's device."""
        raise NotImplementedError

    def link_list(self) -> LinkList:
        """Return the links as they are now, in memory that the layer uses anyway."""
        return ListedCells(self.cells())

    def link_values(self) -> Tensor:
        """Return the values of the links, detached, in the order of `cells`."""
        raise NotImplementedError

    def link_gradient(self) -> Tensor | None:
        """Return the gradient of the links in the order of `cells`, in at least float32, or None if there is none."""
        raise NotImplementedError

    def set_links(self, cells: Tensor) -> Callable[[Tensor], Tensor]:
        """Give the layer other links, in place: links that stay keep their value and gradient, new ones start at 0.

        Parameters
        ----------
        cells : Tensor of int64, shape (n_links,)
            Sorted flat positions of the links, without duplicates.

        Returns
        -------
        callable
            Converts an optimizer state tensor of `link_parameter` to the new links.
        """
        return self.prepare_links(cells)()

    def prepare_links(self, cells: Tensor) -> Callable[[], Callable[[Tensor], Tensor]]:
        """Return a function that does what `set_links` does; call it once.

        Everything it needs is allocated before anything changes, and a masked layer then takes no more memory on its
        device, so a model whose layers are all prepared changes as a whole or not at all.
        """
        raise NotImplementedError

    def change_links(self, change: LinkChange) -> Callable[[Tensor], Tensor]:
        """Remove some links and add others, in place: like `set_links`, but faster when they are few.

        A link that is both lost and grown starts at 0.
        """
        return self.prepare_change(change)()

    def prepare_change(self, change: LinkChange) -> Callable[[], Callable[[Tensor], Tensor]]:
        """Return a function that does what `change_links` does; call it once; see `prepare_links`."""
        raise NotImplementedError

    def values_at(self, cells: Tensor) -> Tensor:
        """Return `link_values`, given the cells of the links, which saves the time that `cells` may take."""
        raise NotImplementedError

    def set_values_at(self, cells: Tensor, values: Tensor) -> None:
        """Write the values of the links, given their cells, and touch nothing else."""
        raise NotImplementedError

    def set_link_values(self, values: Tensor) -> None:
        """Write the values of the links, in the order of `cells`."""
        raise NotImplementedError

    def trust_links(self) -> None:
        """Accept the weight as it is, after a write that left it zero off the links."""

    def clear_off_links(self, trained: Tensor | None = None) -> None:
        """Write zeros wherever a stored value belongs to no trained cell, and warn if any was not 0.

        Parameters
        ----------
        trained : Tensor of int64, optional
            The trained cells, if they are available.
        """

    def mask_off_links(self) -> None:
        """Write zeros wherever a stored value belongs to no trained cell, without checking for other values."""

    def report_writes(self, readings: Readings) -> None:
        """Queue the count of values that other code wrote off the links on an accelerator, for the host to read."""

    def precedes_change(self, state: Mapping[str, Any]) -> bool:
        """Whether an optimizer's state for `link_parameter` belongs to the links before their last change."""
        return True

    def watch_steps(self) -> None:
        """Watch the steps of optimizers that train the links; a copy of a frozen layer does not yet."""

    def note_links(self, optimizer: Optimizer) -> None:
        """Note that an optimizer's state for `link_parameter` belongs to the present links."""

    def start_recording(self, average: Callable[[Tensor], object] | None = None) -> None:
        """Record the gradient of all cells, from the next forward pass on.

        Parameters
        ----------
        average : callable, optional
            Replaces a block of that gradient, in place, with the mean over all ranks.
        """
        self.stop_recording()
        self.record = self.record_kind(self.link_parameter, self.shape, average)

    def stop_recording(self) -> None:
        """Stop recording, and discard the recorded passes."""
        if self.record is not None:
            self.record.close()
        self.record = None

    def dense_weight(self) -> Tensor:
        """Return the weight as a dense matrix, detached, shape (out_features, in_features)."""
        values = self.link_values()
        return values.new_zeros(self.shape).flatten().index_put_((self.cells(),), values).view(self.shape)

    def reset_weight(self, generator: torch.Generator | None = None) -> None:
        r"""Draw the values of the links from :math:`N(0, 2 / (\text{density} \cdot \text{in\_features}))`.

        This is He's initialisation for the layer's mean fan-in, so that activations keep their scale at any density.
        The draws are made on the CPU and are the same for every device and backend.
        """
        values = torch.randn(self.n_links, generator=generator, dtype=self.link_parameter.dtype)
        self.set_link_values(values * math.sqrt(2 * self.out_features / self.n_links))

    def reset_bias(self, generator: torch.Generator | None = None) -> None:
        """Draw the biases, if there are any, as `torch.nn.Linear` does, on the CPU and the same for every device."""
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features)
            drawn = torch.empty(self.out_features, dtype=self.link_parameter.dtype, device="cpu")
            self.get_parameter("bias").data.copy_(drawn.uniform_(-bound, bound, generator=generator))

    def extra_repr(self) -> str:
        """Return what ``print(model)`` shows about the layer."""
        density = self.n_links / (self.in_features * self.out_features)
        init = "" if self.init_name in (None, "he") else f", init={self.init_name}"
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}, "
            f"n_links={self.n_links}, density={density:.2%}{init}"
        )


def why_not_dtype(dtype: torch.dtype) -> str | None:
    """Return why weights cannot have a dtype, and what to do about it, or None if they can.

    Examples
    --------
    >>> why_not_dtype(torch.float16), why_not_dtype(torch.complex64)
    (None, 'weights cannot be torch.complex64, as links are ranked by real numbers: use float32 or another real dtype')
    """
    if dtype.is_complex:
        return f"weights cannot be {dtype}, as links are ranked by real numbers: use float32 or another real dtype"
    if not dtype.is_floating_point or dtype.itemsize < 2:
        return f"weights cannot be {dtype}: use a dtype that trains, such as float32"
    return None


def check_layer(in_features: int, out_features: int, graph: BipartiteGraph, dtype: torch.dtype | None) -> None:
    """Raise for a graph of another type, with the wrong sizes or without links, and for a dtype that does not train."""
    reason = why_not_dtype(torch.get_default_dtype() if dtype is None else dtype)
    if reason:
        raise InvalidTypeError(reason)
    if not isinstance(graph, BipartiteGraph):
        raise InvalidTypeError(
            f"graph must be a BipartiteGraph, not {type(graph).__name__}: make one with BipartiteGraph(adjacency)"
        )
    if (graph.n_in, graph.n_out) != (in_features, out_features):
        raise InvalidValueError(
            f"the graph has {graph.n_in} inputs and {graph.n_out} outputs, but the layer has {in_features} and "
            f"{out_features}: generate the graph with the layer's sizes"
        )
    if graph.n_links == 0:
        raise InvalidValueError("the graph has no links: a sparse layer needs at least one")


def _backend(
    in_features: int,
    out_features: int,
    graph: BipartiteGraph,
    bias: bool = True,
    backend: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> str:
    """Return the backend from the arguments of a layer; for "auto", the faster one."""
    if backend != AUTO or not isinstance(graph, BipartiteGraph):
        return MASKED if backend == AUTO else backend
    device = torch.get_default_device() if device is None else device
    return best_backend(in_features, out_features, graph.density, device=device, dtype=dtype)
