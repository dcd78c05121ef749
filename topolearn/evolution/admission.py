"""What a scheduler accepts: models that fit their method, layers that can be updated, states that fit their model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from topolearn.errors import CheckpointError, InvalidValueError
from topolearn.evolution.consistency import check_interval
from topolearn.evolution.method import Method
from topolearn.evolution.plan import initial_links
from topolearn.generators import check_size
from topolearn.sparse import CsrLinear, SparseLinear


def settle_interval(method: Method, given: int | None) -> int:
    """Return the steps between two updates: those given, or those that the method demands.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When neither is there, or they differ.
    """
    if given is not None:
        given = check_size("interval", given)
    check_interval("interval", given, method)
    interval = given or method.interval
    if interval is None:
        raise InvalidValueError(
            f"method {method.name!r} has no interval of its own: give interval=..., the optimizer steps between two "
            "updates"
        )
    return interval


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
    expected = initial_links({name: (x.in_features, x.out_features) for name, x in layers.items()}, method)
    for name, layer in layers.items():
        if layer.n_links != expected[name]:
            raise InvalidValueError(
                f"layer {name!r} has {layer.n_links} links, but method {method.name!r} at density "
                f"{method.initial_density:g} starts with {expected[name]}: sparsify the model with this very method"
            )
    _check_backend(model, layers, method)


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


def check_state(state: Mapping[str, Any], layers: Mapping[str, SparseLinear], *, stored: bool) -> None:
    """Refuse the state of another scheduler, or a part of one.

    Raises
    ------
    CheckpointError
    """
    of_layers = ("links", "shapes", "born", "explored", "converged", *(["stored"] if stored else []))
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
        for part in (cells, state["explored"][name]):
            if not len(part) or int(part.min()) < 0 or int(part.max()) >= n_cells or bool((part.diff() <= 0).any()):
                raise CheckpointError(
                    f"the links of layer {name!r} in the topology state are not cells of the layer, sorted"
                )
        for key, length in (("born", len(cells)), ("stored", n_cells)):
            if key in of_layers and (found_length := len(state[key][name])) != length:
                raise CheckpointError(
                    f"{key!r} of layer {name!r} in the topology state has {found_length} elements, not {length}"
                )
