"""Which models are admitted: layers that `sparsify` can replace, and models that fit the method of a scheduler."""

from __future__ import annotations

import fnmatch
import warnings
from collections.abc import Mapping, Sequence

from torch import nn

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution.heads import heads_of
from topolearn.evolution.methods import Method, check_backend
from topolearn.evolution.ordinary import Layers, Ordinary
from topolearn.evolution.plan import final_links, initial_links
from topolearn.graph import NeuronGroup, checked
from topolearn.sparse import CSR, CsrLinear, StoredLinear, neuron_groups, without_groups


def linear_layers(model: nn.Module, exclude: Sequence[str] | None = None) -> dict[str, nn.Linear]:
    """Return the linear layers of a model that `sparsify` makes sparse, by name, in module order.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When there are none, a pattern matches none, or a layer cannot be replaced.
    """
    layers = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    if "" in layers:
        raise InvalidValueError("the model is itself a linear layer and cannot be replaced in place: wrap it")
    if not layers:
        raise InvalidValueError("the model has no linear layer to make sparse")
    if isinstance(exclude, str):
        raise InvalidTypeError(f"exclude={exclude!r} must be a list of patterns: use [{exclude!r}]")
    patterns = [list(layers)[-1]] if exclude is None else list(exclude)
    for pattern in patterns:
        if not fnmatch.filter(layers, pattern):
            raise InvalidValueError(f"exclude pattern {pattern!r} matches no linear layer: {', '.join(layers)}")
    chosen = {n: m for n, m in layers.items() if not any(fnmatch.fnmatchcase(n, p) for p in patterns)}
    if not chosen:
        raise InvalidValueError(
            f"no linear layer is left to make sparse: {', '.join(layers)} excluded; pass exclude=[] to include the last"
        )
    _check_replaceable(model, chosen)
    return chosen


def _check_replaceable(model: nn.Module, chosen: Mapping[str, nn.Linear]) -> None:
    """Refuse layers whose weight other modules share, or that their module needs as they are."""
    owners: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        owners.setdefault(id(parameter), []).append(name)
    for name, layer in chosen.items():
        shared = owners[id(layer.weight)]
        if len(shared) > 1:
            raise InvalidValueError(
                f"layer {name!r} shares its weight ({', '.join(shared)}), so links of one would be links of all: leave "
                f"it dense by exclude=[{name!r}, ...], or give each layer a weight of its own"
            )
        parent = model.get_submodule(name.rpartition(".")[0])
        if isinstance(parent, nn.MultiheadAttention):
            raise InvalidValueError(
                f"layer {name!r} is part of nn.MultiheadAttention, whose other weights are packed into one: call "
                f"tl.unpack_attention(model) first, or leave it dense by exclude=[{name!r}, ...]"
            )


def check_model(model: nn.Module, layers: Layers, kind: Ordinary, interval: int, *, begins: bool = True) -> None:
    """Refuse a model that is not what the method starts with, and what cannot be updated as the method wants it.

    Raises
    ------
    InvalidValueError
    """
    method = kind.method
    if method.is_dense and layers:
        raise InvalidValueError(f"method {method.name!r} is dense, but the model has sparse layers")
    if not method.is_dense and not layers:
        raise InvalidValueError(
            f"the model has no sparse layer for method {method.name!r}: call sparsify(model, method) first"
        )
    if method.skip_gradient_step and interval == 1:
        raise InvalidValueError(
            "interval=1 with skip_gradient_step=True skips every gradient step: raise the interval, or use "
            "skip_gradient_step=False"
        )
    if method.rewarmup_steps >= interval and method.rewarmup_steps:
        raise InvalidValueError(
            f"rewarmup_steps={method.rewarmup_steps} must be less than interval={interval}: the learning rate would "
            "never be reached"
        )
    if not layers:
        return
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
    """Refuse layers whose parameter shrinks as the density falls, where several ranks share them.

    Parameters
    ----------
    is_shared : bool
        Whether there are several ranks; the model itself need not be the one that is wrapped.

    Raises
    ------
    InvalidValueError
    """
    csr = _first_csr(layers)
    is_wrapped = any(isinstance(module, nn.parallel.DistributedDataParallel) for module in model.modules())
    if csr is not None and method.decays and (is_shared or is_wrapped):
        raise InvalidValueError(
            f"layer {csr!r} is on the csr backend, and its parameter shrinks as the density falls, which "
            "DistributedDataParallel cannot follow: use sparsify(model, method, backend='masked')"
        )


def _first_csr(layers: Layers) -> str | None:
    return next((name for name, layer in layers.items() if isinstance(layer, CsrLinear)), None)


def _check_storage(layers: Layers, kind: Ordinary) -> None:
    """Refuse layers that remember more, or less, than the method wants."""
    method = kind.method
    for name, layer in layers.items():
        is_stored = isinstance(layer, StoredLinear)
        if is_stored != method.remembers_all:
            raise InvalidValueError(
                f"layer {name!r} remembers {'all cells' if is_stored else 'its links alone'}, but method "
                f"{method.name!r} has storage={method.storage!r}: sparsify the model with this very method"
            )


def _check_trained(layers: Layers, kind: Ordinary) -> None:
    """Refuse layers that train more cells, or fewer, than the method starts with."""
    method = kind.method
    for name, layer in layers.items():
        if not isinstance(layer, StoredLinear):
            continue
        n_trained = int(layer.trained_mask.sum())
        expected = kind.n_trained(layer.n_links, layer.stored.numel())
        if n_trained != expected or (layer.trained is None) == kind.reselects:
            raise InvalidValueError(
                f"layer {name!r} has {layer.n_links} links and trains {n_trained} cells, but method {method.name!r} "
                f"with backward_ratio={method.backward_ratio} trains {expected}: sparsify the model with this very "
                "method"
            )


def groups_of(model: nn.Module, layers: Layers, method: Method) -> tuple[NeuronGroup, ...]:
    """Return the neuron groups of a model, with a warning about layers that will not percolate though they should.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When groups do not fit the layers, or the method speaks of heads or rotary positions, and there are none.
    """
    shapes = {name: layer.shape for name, layer in layers.items()}
    groups = checked(neuron_groups(model, layers), shapes)
    if method.per_head and not heads_of(groups, shapes):
        raise InvalidValueError(
            "per_head=True, but no sparse layer is known to write to attention heads: leave it out, or declare the "
            "groups with heads=, as tl.sparse.neuron_groups describes"
        )
    if method.percolation_unit == "rotary_pair" and not any(group.rotary for group in groups):
        raise InvalidValueError(
            "percolation_unit='rotary_pair', but no sparse layers are known to have rotary positions: leave it out, or "
            "declare the groups with rotary=, as tl.sparse.neuron_groups describes"
        )
    alone = without_groups(model, layers, groups) if method.percolation else []
    if alone and len(layers) > 1:
        warnings.warn(
            f"no neuron groups are known for the layers {', '.join(alone)}, so their links do not percolate: put them "
            "into one nn.Sequential, or say how they meet, module.neuron_groups = [tl.NeuronGroup(...)], as "
            "tl.sparse.neuron_groups describes",
            stacklevel=4,
        )
    return groups
