"""Which linear layers a sparse one can replace, and what to do about the others."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from topolearn.sparse.conversion.dense_layers import is_conv1d, plain_class
from topolearn.sparse.linear import why_not_dtype

# Kinds of hooks that compute a parameter before each forward pass: torch's name for them, and what removes them.
COMPUTED_BY = {
    BasePruningMethod: ("prune", "prune.remove"),
    WeightNorm: ("weight_norm", "remove_weight_norm"),
    SpectralNorm: ("spectral_norm", "remove_spectral_norm"),
}


class Obstacle(NamedTuple):
    """Why a module cannot be replaced, and what makes it replaceable; both complete a sentence."""

    reason: str
    cure: str


def obstacle_to_sparsity(layer: nn.Module) -> Obstacle | None:
    """Return why a dense linear layer cannot be replaced, or None if it can.

    A layer can be replaced if its outputs depend only on its weight and bias, and these are ordinary parameters.

    Examples
    --------
    >>> obstacle_to_sparsity(nn.Linear(3, 2)), obstacle_to_sparsity(nn.LazyLinear(2)).cure
    (None, 'run a forward pass first')
    """
    if any(parameter is not None and is_lazy(parameter) for parameter in layer._parameters.values()):
        return Obstacle(f"is an uninitialised {type(layer).__name__}", "run a forward pass first")
    return (
        obstacle_in_parameters(layer, ("weight", "bias")) or _obstacle_in_forward(layer) or _obstacle_in_weight(layer)
    )


def obstacle_in_parameters(module: nn.Module, names: tuple[str, ...]) -> Obstacle | None:
    """Return why a module does not compute directly with its parameters, or None if it does.

    Reasons are parametrisations, hooks of pruning, weight_norm and spectral_norm, and hooks on a parameter.
    """
    for name in names:
        obstacle = computed_parameter(module, name)
        if obstacle:
            return obstacle
        parameter = getattr(module, name, None)
        if parameter is None:
            continue
        if type(parameter) is not nn.Parameter or module._parameters.get(name) is not parameter:
            return Obstacle(
                f"has a {name} that is a {type(parameter).__name__}, not an ordinary torch.nn.Parameter",
                "sparsify before sharding or quantising, or convert it to one",
            )
        if name != "bias" and _has_hooks(parameter):  # the bias parameter is carried over, with its hooks
            return Obstacle(
                f"has hooks on its {name} itself, which will be replaced", "remove them, and register them afterwards"
            )
    return None


def computed_parameter(module: nn.Module, name: str) -> Obstacle | None:
    """Return how a parameter of a module is computed from others, and what ends that, or None if it is not.

    Examples
    --------
    >>> computed_parameter(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), "weight").reason
    'has a parametrised weight'
    """
    if parametrize.is_parametrized(module, name):
        return Obstacle(
            f"has a parametrised {name}",
            f"call torch.nn.utils.parametrize.remove_parametrizations(layer, {name!r}) first",
        )
    for hook in module._forward_pre_hooks.values():
        for kind, (by, remover) in COMPUTED_BY.items():
            if isinstance(hook, kind) and getattr(hook, "name", getattr(hook, "_tensor_name", name)) == name:
                return Obstacle(
                    f"computes its {name} with torch.nn.utils.{by}",
                    f"call torch.nn.utils.{remover}(layer, {name!r}) first",
                )
    return None


def _obstacle_in_forward(layer: nn.Module) -> Obstacle | None:
    kind, plain = type(layer), plain_class(layer)
    if "forward" in vars(layer) or kind.forward is not plain.forward or kind.__call__ is not nn.Module.__call__:
        return Obstacle(
            f"is a {kind.__name__} with its own forward, which a sparse layer would discard",
            "sparsify the model before adding adapters or quantising",
        )
    if layer._compiled_call_impl is not None:
        return Obstacle("is compiled separately", "call layer.compile() afterwards")
    return None


def _obstacle_in_weight(layer: nn.Module) -> Obstacle | None:
    weight = layer._parameters.get("weight")
    if weight is None:
        return Obstacle("has no weight", "give it one")
    if why_not_dtype(weight.dtype):
        real = "a real dtype" if weight.is_complex() else "a dtype that trains"
        return Obstacle(f"has a weight of dtype {weight.dtype}", f"convert it to {real}, such as float32")
    names = ("nx", "nf") if is_conv1d(layer) else ("out_features", "in_features")
    shape = tuple(int(getattr(layer, name)) for name in names)
    if tuple(weight.shape) != shape:
        return Obstacle(
            f"has a weight of shape {tuple(weight.shape)}, but {' and '.join(names)} are {shape}",
            "set them to the shape of the weight",
        )
    return None


def _has_hooks(parameter: Tensor) -> bool:
    return bool(parameter._backward_hooks) or bool(parameter._post_accumulate_grad_hooks)
