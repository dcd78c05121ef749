"""Checking models: the layers that `sparsify` can replace, and models that fit the method of a scheduler."""

from __future__ import annotations

import fnmatch
import warnings
from collections.abc import Mapping, Sequence

from torch import nn

from topolearn.distributed import ShardedLinear, is_sharded
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution.methods import Method, check_backend
from topolearn.evolution.ordinary import Layers, Ordinary
from topolearn.evolution.plan import final_links, initial_links
from topolearn.evolution.starting.one_device import check_one_device
from topolearn.evolution.starting.short_names import shortened
from topolearn.evolution.step.heads import heads_of
from topolearn.graph import NeuronGroup, validated_groups
from topolearn.sparse import (
    CSR,
    CsrLinear,
    StoredLinear,
    is_dense_linear,
    neuron_groups,
    obstacle_to_sparsity,
    output_layers,
    why_not_dtype,
    without_groups,
)


def linear_layers(model: nn.Module, exclude: Sequence[str] | None = None) -> dict[str, nn.Module]:
    """Return the linear layers of a model that `sparsify` makes sparse, by name, in module order.

    Linear layers are `torch.nn.Linear` and the ``Conv1D`` of GPT-2. A layer that is used in several places has the
    name of the first; a pattern can match any of its names.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When there are no linear layers, a pattern matches none of them, a layer cannot be replaced, or the model
        declares outputs that are not linear layers.
    """
    places: dict[nn.Module, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        if is_dense_linear(module):
            places.setdefault(module, []).append(name)
    if model in places:
        raise InvalidValueError("the model itself is a linear layer and cannot be replaced in place: wrap it")
    if not places:
        raise InvalidValueError("the model has no linear layers to make sparse")
    layers = {names[0]: layer for layer, names in places.items()}
    excluded = set(output_layers(model).values()) if exclude is None else _matched(places, exclude)
    chosen = {name: layer for name, layer in layers.items() if layer not in excluded}
    if not chosen:
        raise InvalidValueError(
            f"no linear layers are left to make sparse after excluding {', '.join(layers)}: pass exclude=[] to include "
            "the output layers"
        )
    _check_replaceable(model, chosen, places)
    return chosen


def _matched(places: Mapping[nn.Module, Sequence[str]], patterns: Sequence[str]) -> set[nn.Module]:
    """Return the layers that a pattern matches under one of their names.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When ``patterns`` is a string instead of a list, or a pattern matches no layer.
    """
    if isinstance(patterns, str):
        raise InvalidTypeError(f"exclude={patterns!r} must be a list of patterns: use exclude=[{patterns!r}]")
    matched: set[nn.Module] = set()
    for pattern in patterns:
        hit = {layer for layer, names in places.items() if any(fnmatch.fnmatchcase(n, pattern) for n in names)}
        if not hit:
            known = ", ".join(name for names in places.values() for name in names)
            raise InvalidValueError(f"exclude pattern {pattern!r} matches none of the linear layers: {known}")
        matched |= hit
    return matched


def _check_replaceable(
    model: nn.Module, chosen: Mapping[str, nn.Module], places: Mapping[nn.Module, Sequence[str]]
) -> None:
    """Reject layers with more than a weight and a bias, with a shared weight, or that their module needs unchanged."""
    owners: dict[int, dict[str, nn.Module]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        for name, parameter in module._parameters.items():
            owners.setdefault(id(parameter), {})[f"{path}.{name}" if path else name] = module
    for name, layer in chosen.items():
        obstacle = obstacle_to_sparsity(layer)
        if obstacle:
            raise InvalidValueError(
                f"layer {name!r} {obstacle.reason}: {obstacle.cure}, or leave it dense with exclude=[{name!r}, ...]"
            )
        sharing = owners[id(layer.get_parameter("weight"))]
        if any(module is not layer for module in sharing.values()):
            raise InvalidValueError(
                f"layer {name!r} shares its weight ({', '.join(sharing)}), so these modules would share links as well: "
                f"leave it dense with exclude=[{name!r}, ...], or give each layer its own weight"
            )
        parents = [model.get_submodule(place.rpartition(".")[0]) for place in places[layer]]
        if any(isinstance(parent, nn.MultiheadAttention) for parent in parents):
            raise InvalidValueError(
                f"layer {name!r} is part of nn.MultiheadAttention, whose other weights are packed into one: call "
                f"tl.unpack_attention(model) first, or leave it dense with exclude=[{name!r}, ...]"
            )


def check_model(layers: Layers, kind: Ordinary, interval: int, *, begins: bool = True) -> None:
    """Check that a model is what the method starts with, and can be updated as the method requires.

    Raises
    ------
    InvalidValueError
    """
    method = kind.method
    _check_sharded(layers, kind)
    if method.is_dense and layers:
        raise InvalidValueError(
            f"method {method.name!r} is dense, but the model has sparse layers: call tl.densify(model) first"
        )
    if not method.is_dense and not layers:
        raise InvalidValueError(
            f"the model has no sparse layers for method {method.name!r}: call sparsify(model, method) first"
        )
    if method.skip_gradient_step and interval == 1:
        raise InvalidValueError(
            "interval=1 with skip_gradient_step=True skips every gradient step: raise the interval, or use "
            "skip_gradient_step=False"
        )
    if method.rewarmup_steps >= interval and method.rewarmup_steps:
        raise InvalidValueError(
            f"rewarmup_steps={method.rewarmup_steps} must be less than interval={interval}: otherwise the learning "
            "rate never fully recovers between updates"
        )
    if not layers:
        return
    check_one_device(layers)
    _check_dtypes(layers)
    sizes = {name: (layer.in_features, layer.out_features) for name, layer in layers.items()}
    if begins:
        kind.check_start(layers, initial_links(sizes, method), final_links(sizes, method))
    csr = _first_csr(layers)
    if csr is not None:
        check_backend(method, CSR, layer=csr)
    _check_storage(layers, kind)
    if begins:
        _check_trained(layers, kind)


def check_shrinking(model: nn.Module, layers: Layers, method: Method, *, is_shared: bool) -> None:
    """Reject layers whose parameter shrinks as the density falls when several ranks train them.

    Parameters
    ----------
    is_shared : bool
        Whether there are several ranks; the model itself may be unwrapped.

    Raises
    ------
    InvalidValueError
    """
    csr = _first_csr(layers)
    is_wrapped = any(isinstance(module, nn.parallel.DistributedDataParallel) for module in model.modules())
    if csr is not None and method.decays and (is_shared or is_wrapped):
        raise InvalidValueError(
            f"layer {csr!r} uses the csr backend, so its parameter shrinks as the density falls, which "
            "DistributedDataParallel does not support: use sparsify(model, method, backend='masked')"
        )


def _check_sharded(layers: Layers, kind: Ordinary) -> None:
    """Reject layers whose weights are sharded but whose links are not, and methods that need all rows of a layer."""
    for name, layer in layers.items():
        if not is_sharded(layer):
            continue
        if isinstance(layer, CsrLinear):
            raise InvalidValueError(
                f"layer {name!r} uses the csr backend, which cannot be sharded: use "
                "sparsify(model, method, backend='masked') before fully_shard"
            )
        if not isinstance(layer, ShardedLinear):
            raise InvalidValueError(
                f"the weight of layer {name!r} is a DTensor, but its links are not sharded: after fully_shard(model, "
                "mesh=mesh), call tl.distributed.shard_topology(model, mesh); tensor parallelism is only supported for "
                "dense layers"
            )
        reason = kind.why_not_shards()
        if reason:
            raise InvalidValueError(
                f"layer {name!r} is sharded by rows, but method {kind.method.name!r} {reason}: train with "
                "DistributedDataParallel, or choose another method"
            )


def _check_dtypes(layers: Layers) -> None:
    """Reject layers that were converted to a dtype whose values cannot be ranked."""
    for name, layer in layers.items():
        reason = why_not_dtype(layer.link_parameter.dtype)
        if reason:
            raise InvalidTypeError(f"layer {name!r}: {reason}")


def _first_csr(layers: Layers) -> str | None:
    return next((name for name, layer in layers.items() if isinstance(layer, CsrLinear)), None)


def _check_storage(layers: Layers, kind: Ordinary) -> None:
    """Reject layers that store more, or fewer, values than the method requires."""
    method = kind.method
    for name, layer in layers.items():
        is_stored = isinstance(layer, StoredLinear)
        if is_stored != method.remembers_all:
            raise InvalidValueError(
                f"layer {name!r} stores the values of {'all cells' if is_stored else 'its links only'}, but method "
                f"{method.name!r} has storage={method.storage!r}: sparsify the model with this same method"
            )


def _check_trained(layers: Layers, kind: Ordinary) -> None:
    """Reject layers that train more cells, or fewer, than the method starts with."""
    method = kind.method
    for name, layer in layers.items():
        if not isinstance(layer, StoredLinear):
            continue
        n_trained = layer.n_trained
        expected = kind.n_trained(layer.n_links, layer.in_features * layer.out_features)
        if n_trained != expected or (layer.trained is None) == kind.reselects:
            raise InvalidValueError(
                f"layer {name!r} has {layer.n_links} links and trains {n_trained} cells, but method {method.name!r} "
                f"with backward_ratio={method.backward_ratio} trains {expected}: sparsify the model with this same "
                "method"
            )


def groups_of(model: nn.Module, layers: Layers, method: Method) -> tuple[NeuronGroup, ...]:
    """Return the neuron groups of a model, and warn about layers that should percolate but cannot.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When groups do not fit the layers, or the method needs attention heads or rotary positions and there are none.
    """
    shapes = {name: layer.shape for name, layer in layers.items()}
    groups = validated_groups(neuron_groups(model, layers), shapes)
    if method.per_head and not heads_of(groups, shapes):
        raise InvalidValueError(
            "per_head=True, but no sparse layer is known to write to attention heads: drop per_head, or declare the "
            "groups with heads=, as tl.sparse.neuron_groups describes"
        )
    if method.percolation_unit == "rotary_pair" and not any(group.rotary for group in groups):
        raise InvalidValueError(
            "percolation_unit='rotary_pair', but no sparse layers are known to have rotary positions: drop "
            "percolation_unit, or declare the groups with rotary=, as tl.sparse.neuron_groups describes"
        )
    alone = without_groups(model, layers, groups) if method.percolation else []
    if alone and len(layers) > 1:
        warnings.warn(
            f"no neuron groups are known for the layers {shortened(alone)}, so their links do not percolate:\n"
            "put the layers into one nn.Sequential, or declare module.neuron_groups = [tl.NeuronGroup(...)]",
            stacklevel=4,
        )
    return groups
