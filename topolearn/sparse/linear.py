"""`SparseLinear`: a linear layer whose weights exist only on the links of a graph."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph

BACKENDS = ("auto", "masked")


class SparseLinear(nn.Linear):
    r"""A linear layer, :math:`y = x W^T + b`, where :math:`W` is zero off the links of a graph.

    With the masked backend the weight is an ordinary dense parameter that is exactly zero off the mask: the forward
    is that of `torch.nn.Linear`, and a hook masks the gradient as soon as it is accumulated, so that no optimizer
    that leaves a zero gradient alone ever moves a weight that is no link. The keys of ``state_dict`` are those of
    `torch.nn.Linear`; the links travel with the topology (see `topolearn.TopologyScheduler.state_dict`), and weights
    off the mask are refused.

    Parameters
    ----------
    in_features, out_features : int
        Numbers of input and output neurons.
    graph : BipartiteGraph
        The links; its sizes must be those of the layer.
    bias : bool
        Whether output neurons have a bias; biases are always dense.
    backend : {"auto", "masked"}
        How the layer computes.
    device, dtype
        As for `torch.nn.Linear`.

    Attributes
    ----------
    mask : Tensor of bool, shape (out_features, in_features)
        The adjacency.
    layer_name : str
        The name under which the topology knows this layer; `topolearn.sparsify` sets it.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the graph has other sizes or no links, or the backend is not available.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> g = tl.generators.bipartite_small_world(64, 32, 0.1, seed=0)
    >>> layer = tl.SparseLinear(64, 32, graph=g)
    >>> layer(torch.zeros(5, 64)).shape, int((layer.weight != 0).sum())
    (torch.Size([5, 32]), 205)
    """

    mask: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        graph: BipartiteGraph,
        bias: bool = True,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if not isinstance(graph, BipartiteGraph):
            raise InvalidTypeError(f"graph must be a BipartiteGraph, not {type(graph).__name__}")
        if (graph.n_in, graph.n_out) != (in_features, out_features):
            raise InvalidValueError(
                f"the graph has {graph.n_in} inputs and {graph.n_out} outputs, the layer {in_features} and "
                f"{out_features}: generate the graph with the layer's sizes"
            )
        if graph.n_links == 0:
            raise InvalidValueError("the graph has no links: a sparse layer needs at least one")
        if backend not in BACKENDS:
            raise InvalidValueError(f"backend={backend!r} is not available: use one of {', '.join(BACKENDS)}")
        super().__init__(in_features, out_features, bias=bias, device=device, dtype=dtype)
        self.layer_name = ""
        self.register_buffer("mask", graph.to_torch(device=self.weight.device), persistent=False)
        self._mask_gradient()
        self.reset_parameters()

    @property
    def graph(self) -> BipartiteGraph:
        """The topology of the layer, as a graph of its own."""
        return BipartiteGraph(self.mask)

    @property
    def n_links(self) -> int:
        """Number of links."""
        return int(self.mask.sum())

    def cells(self) -> Tensor:
        """Return the links as sorted flat positions, ``output * in_features + input``, on the layer's device."""
        return self.mask.flatten().nonzero().squeeze(1)

    @torch.no_grad()
    def set_links(self, cells: Tensor) -> None:
        """Give the layer other links, in place: links that stay keep weight and gradient, new ones start at 0.

        Parameters
        ----------
        cells : Tensor of int64, shape (n_links,)
            Flat positions of the links.
        """
        self.mask.zero_().view(-1)[cells.to(self.mask.device)] = True
        self.weight.masked_fill_(~self.mask, 0)
        if self.weight.grad is not None:
            self.weight.grad.masked_fill_(~self.mask, 0)

    @torch.no_grad()
    def reset_weight(self, generator: torch.Generator | None = None) -> None:
        r"""Draw the weights of the links from :math:`N(0, 2 / (\text{density} \cdot \text{in\_features}))`.

        This is He's initialisation for the mean fan-in that the layer has, so that activations keep their scale at
        any density. The draws are made on the CPU and are the same for every device.
        """
        n_links = self.n_links
        values = torch.randn(n_links, generator=generator, dtype=self.weight.dtype)
        self.weight.zero_()
        self.weight[self.mask] = (values * math.sqrt(2 * self.out_features / n_links)).to(self.weight.device)

    def reset_parameters(self) -> None:
        """Draw all parameters anew: the weights by `reset_weight`, the bias as `torch.nn.Linear` does."""
        super().reset_parameters()
        if "mask" in self._buffers:  # nn.Linear calls this once before the links are known
            self.reset_weight()

    def extra_repr(self) -> str:
        """Return what ``print(model)`` shows of the layer."""
        density = self.n_links / self.mask.numel()
        return f"{super().extra_repr()}, n_links={self.n_links}, density={density:.2%}"

    def _mask_gradient(self) -> None:
        def mask_gradient(weight: Tensor) -> None:
            if weight.grad is not None:
                weight.grad = torch.where(self.mask, weight.grad, 0)

        self.weight.register_post_accumulate_grad_hook(mask_gradient)

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
