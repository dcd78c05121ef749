"""`ChainedSequential`: what `sparsify` turns a `torch.nn.Sequential` of csr layers into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from topolearn.sparse.chains.chain import Stage, sparse_chain
from topolearn.sparse.chains.dropout import dropout, drops
from topolearn.sparse.chains.plain import is_hooked_globally, is_plain
from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.products import by_torch
from topolearn.sparse.products.form import form_of
from topolearn.sparse.products.index import complete_index

# Where a product over all links is faster than a dense matrix product: few outputs, and a batch that fills a vector.
# The links of such a layer are listed, at 12 bytes each.
FEW_OUTPUTS, LEAST_BATCH, MOST_LINKS = 32, 16, 2**24

# Modules that act on each activation separately and keep the memory order.
ELEMENT_WISE = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid,
    nn.Softplus, nn.Hardtanh, nn.Hardswish, nn.Identity, nn.Dropout,
)  # fmt: skip


class ChainedSequential(nn.Sequential):
    """A `torch.nn.Sequential` in which sparse layers of the csr backend, and ReLU between them, are one autograd node.

    Outputs, gradients, parameters and names are those of a plain sequence; activations are transposed once at each end
    instead of twice per layer. The chain includes the layers of nested sequences of this kind, and a dense layer with
    few outputs that follows, such as the last layer of a classifier. Other activations and dropout end the node, but
    between sparse layers they work on feature-major memory, so that nothing is transposed. On the CPU, dropout draws
    32 bits per activation in memory order: with the same seed, it drops other activations than a dense sequence does.
    A module with hooks, or with a forward of its own, is called separately, so that its hooks see the usual inputs and
    outputs; while global module hooks are registered, all modules are.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> mlp = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> model = tl.sparsify(mlp, tl.method("set", density=0.5), backend="csr")
    >>> type(model).__name__, isinstance(model, torch.nn.Sequential)
    ('ChainedSequential', True)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the modules in order."""
        if is_hooked_globally():
            return super().forward(x)
        modules, i = list(_steps(self)), 0
        while i < len(modules):
            stages: list[Stage] = []
            while i < len(modules):
                relu = i + 1 < len(modules) and type(modules[i + 1]) is nn.ReLU and is_plain(modules[i + 1])
                stage = _stage(modules[i], x, relu, begun=bool(stages))
                if stage is None:
                    break
                stages.append(stage)
                i += 1 + relu
            if stages:  # not feature-major before a dense layer, which would take five times as long
                x = sparse_chain(x, stages, feature_major=_feed_sparse(modules[i:]))
            else:
                module = modules[i]
                x = dropout(x, module.p) if drops(module, x) and is_plain(module) else module(x)
                i += 1
        return x

    def _get_name(self) -> str:
        return "Sequential"


def chain(model: nn.Module) -> None:
    """Turn every plain sequence of a model that holds csr layers into a chained one, in place."""
    for module in model.modules():
        if type(module) is nn.Sequential and any(isinstance(child, CsrLinear) for child in module):
            module.__class__ = ChainedSequential


def unchain(model: nn.Module) -> None:
    """Turn the chained sequences of a model into plain ones again, in place."""
    for module in model.modules():
        if type(module) is ChainedSequential:
            module.__class__ = nn.Sequential  # type: ignore[assignment]


def _steps(sequence: nn.Sequential) -> Iterator[nn.Module]:
    """Yield the modules of a sequence in order, with nested chained sequences flattened."""
    for module in sequence._modules.values():
        if type(module) is ChainedSequential and is_plain(module):
            yield from _steps(module)
        else:
            yield module


def _stage(module: nn.Module, x: Tensor, relu: bool, *, begun: bool) -> Stage | None:
    """Return a module as a stage of a chain, which may have begun; None if the module must be called separately."""
    if type(module) is CsrLinear and is_plain(module):
        return module.stage(relu)
    if type(module) is nn.Linear and begun and is_plain(module) and takes_part(module, x):
        return Stage(complete_index(module.out_features, module.in_features), module.weight, module.bias, relu)
    return None


def _feed_sparse(modules: Sequence[nn.Module]) -> bool:
    """Whether the first module is a sparse layer, apart from element-wise ones that do not change their inputs."""
    for module in modules:
        if type(module) is CsrLinear:
            return True
        if type(module) not in ELEMENT_WISE or getattr(module, "inplace", False):
            return False
    return False


def takes_part(layer: nn.Linear, x: Tensor) -> bool:
    """Whether a chain includes a dense layer, given the number of activations of x."""
    return (
        layer.out_features <= FEW_OUTPUTS
        and layer.weight.numel() <= MOST_LINKS
        and layer.weight.is_contiguous()
        and x.numel() >= LEAST_BATCH * x.shape[-1:].numel()
        and form_of(x) is not by_torch
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )
