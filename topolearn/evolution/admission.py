"""What a scheduler accepts: models that fit their method, layers that can be updated, states that fit their model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from topolearn.errors import CheckpointError, InvalidValueError
from topolearn.evolution.backward_set import n_trained
from topolearn.evolution.constant_fan_in import has_constant_fan_in
from topolearn.evolution.heads import heads_of
from topolearn.evolution.method import Method
from topolearn.evolution.plan import final_links, initial_links
from topolearn.graph import NeuronGroup, checked
from topolearn.sparse import CsrLinear, SparseLinear, StoredLinear, neuron_groups, without_groups


def check_model(model: nn.Module, layers: Mapping[str, SparseLinear], method: Method, interval: int) -> None:
    """Refuse a model that is not what the method starts with, and what cannot be updated as the method wants it.

    Raises
    ------
    InvalidValueError
    """
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
    if method.constant_fan_in:
        _check_fan_ins(layers, method, final_links(sizes, method))
    else:
        _check_counts(layers, method, initial_links(sizes, method))
    _check_backend(model, layers, method)
    _check_storage(layers, method)


def _check_counts(layers: Mapping[str, SparseLinear], method: Method, expected: Mapping[str, int]) -> None:
    for name, layer in layers.items():
        if layer.n_links != expected[name]:
            raise InvalidValueError(
                f"layer {name!r} has {layer.n_links} links, but method {method.name!r} at density "
                f"{method.initial_density:g} starts with {expected[name]}: sparsify the model with this very method"
            )


def _check_fan_ins(layers: Mapping[str, SparseLinear], method: Method, most: Mapping[str, int]) -> None:
    """Refuse layers whose neurons have unequal fan-ins, or others than a start or an update leaves."""
    for name, layer in layers.items():
        fan_in = torch.bincount(layer.cells() // layer.in_features, minlength=layer.out_features)
        is_whole = method.ablation is not None or bool((fan_in > 0).all())
        if not is_whole or not has_constant_fan_in(layer.cells(), layer.shape, most[name]):
            raise InvalidValueError(
                f"layer {name!r} has {layer.n_links} links, {int(fan_in.min())} to {int(fan_in.max())} for an output "
                f"neuron, but method {method.name!r} shares {most[name]} equally among those that have any: sparsify "
                "the model with this very method"
            )


def _check_backend(model: nn.Module, layers: Mapping[str, SparseLinear], method: Method) -> None:
    csr = [name for name, layer in layers.items() if isinstance(layer, CsrLinear)]
    if csr and method.storage == "dense":
        raise InvalidValueError(
            f"layer {csr[0]!r} is on the csr backend, where only links exist, but method {method.name!r} has "
            "storage='dense': use sparsify(model, method, backend='masked')"
        )
    is_replicated = any(isinstance(module, nn.parallel.DistributedDataParallel) for module in model.modules())
    if csr and method.decays and is_replicated:
        raise InvalidValueError(
            f"layer {csr[0]!r} is on the csr backend, and its parameter shrinks as the density falls, which "
            "DistributedDataParallel cannot follow: use sparsify(model, method, backend='masked')"
        )


def _check_storage(layers: Mapping[str, SparseLinear], method: Method) -> None:
    for name, layer in layers.items():
        is_stored = isinstance(layer, StoredLinear)
        if is_stored != (method.storage == "dense"):
            raise InvalidValueError(
                f"layer {name!r} remembers {'all cells' if is_stored else 'its links alone'}, but method "
                f"{method.name!r} has storage={method.storage!r}: sparsify the model with this very method"
            )
        if not isinstance(layer, StoredLinear):
            continue
        found = int(layer.trained_mask.sum())
        expected = n_trained(layer.n_links, layer.stored.numel(), method.backward_ratio or 1)
        if found != expected or (layer.trained is None) == method.chooses_anew:
            raise InvalidValueError(
                f"layer {name!r} has {layer.n_links} links and trains {found} cells, but method {method.name!r} with "
                f"backward_ratio={method.backward_ratio} trains {expected}: sparsify the model with this very method"
            )


def groups_of(model: nn.Module, layers: Mapping[str, SparseLinear], method: Method) -> tuple[NeuronGroup, ...]:
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
            stacklevel=3,
        )
    return groups


def check_present(model: nn.Module, layers: Mapping[str, SparseLinear], step: int) -> None:
    """Refuse layers that are no longer in the model, as when somebody replaced them.

    Raises
    ------
    InvalidValueError
    """
    there = {id(module) for module in model.modules()}
    for name, layer in layers.items():
        if id(layer) not in there:
            raise InvalidValueError(
                f"at step {step} layer {name!r} of the model is not the one that this TopologyScheduler evolves: after "
                "replacing layers, make a new TopologyScheduler"
            )


def check_layers(layers: Mapping[str, SparseLinear], step: int) -> None:
    """Refuse layers whose weights no longer have the shape that they had.

    Raises
    ------
    InvalidValueError
    """
    for name, layer in layers.items():
        shape = tuple(layer.link_parameter.shape)
        expected = (layer.n_links,) if isinstance(layer, CsrLinear) else layer.shape
        if shape != expected:
            raise InvalidValueError(
                f"the weight of layer {name!r} has shape {shape} at step {step}, and {expected} by its links: leave "
                "the parameters of sparse layers to topolearn, and change values in place"
            )


def check_finite(name: str, values: Tensor, step: int) -> None:
    """Refuse an update of a layer whose weights are not finite.

    Raises
    ------
    InvalidValueError
    """
    if not bool(torch.isfinite(values).all()):
        raise InvalidValueError(
            f"layer {name!r} has a weight that is not finite at step {step}: lower the learning rate"
        )


def check_state(state: Mapping[str, Any], layers: Mapping[str, SparseLinear], method: Method) -> None:
    """Refuse the state of another scheduler, or a part of one.

    Raises
    ------
    CheckpointError
    """
    of_layers = ["links", "shapes", "born", "explored", "converged"]
    of_layers += (["stored"] if method.storage == "dense" else []) + (["trained"] if method.chooses_anew else [])
    for key in ("n_steps", "n_updates", "last_update_step", "seed", *of_layers):
        if key not in state:
            raise CheckpointError(f"the topology state has no {key!r}: it is not a TopologyScheduler's state")
    for key in of_layers:
        if set(state[key]) != set(layers):
            raise CheckpointError(
                f"{key!r} of the topology state is of layers {', '.join(state[key])}; the model has {', '.join(layers)}"
            )
    for name, layer in layers.items():
        found = tuple(state["shapes"][name])
        if found != layer.shape:
            raise CheckpointError(
                f"layer {name!r} is {found} in the topology state and {layer.shape} in the model: "
                "build the model with the sizes that it was trained with"
            )
        cells, n_cells = state["links"][name], layer.in_features * layer.out_features
        for key in [key for key in ("links", "explored", "trained") if key in of_layers]:
            part = state[key][name]
            if not len(part) or int(part.min()) < 0 or int(part.max()) >= n_cells or bool((part.diff() <= 0).any()):
                raise CheckpointError(
                    f"{key!r} of layer {name!r} in the topology state are not cells of the layer, sorted"
                )
        if "trained" in of_layers and not bool(torch.isin(cells, state["trained"][name]).all()):
            raise CheckpointError(f"'trained' of layer {name!r} in the topology state lacks some of its links")
        for key, length in (("born", len(cells)), ("stored", n_cells)):
            if key in of_layers and (found_length := len(state[key][name])) != length:
                raise CheckpointError(
                    f"{key!r} of layer {name!r} in the topology state has {found_length} elements, not {length}"
                )
