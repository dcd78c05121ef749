"""`sparsify`: give a model the initial topology of a method."""

import fnmatch
import math
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from topolearn.checks import check_size
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution.dense_start import begin, draw_values, largest_links
from topolearn.evolution.method import Method
from topolearn.evolution.plan import initial_links
from topolearn.evolution.signs import link_signs
from topolearn.evolution.table import method as find_method
from topolearn.generators import make_network
from topolearn.graph import LayeredNetwork
from topolearn.registry import suggest
from topolearn.sampling import RandomField
from topolearn.sparse import SparseLinear, StoredLinear, neuron_groups, replace_linear, sparse_layers
from topolearn.sparse.choice import BATCH

INITS = ("he", "keep")


def sparsify(
    model: nn.Module,
    method: Method | str,
    *,
    exclude: Sequence[str] | None = None,
    backend: str = "auto",
    init: str = "he",
    calibration: torch.Tensor | None = None,
    seed: int = 0,
    batch: int = BATCH,
) -> nn.Module:
    """Replace the linear layers of a model by sparse ones with the initial topology of a method, in place.

    Parameters
    ----------
    model : torch.nn.Module
        Any model with `torch.nn.Linear` layers. Make the optimizer after this call. Layers on the meta device are made
        on torch's default device, without ever having a dense weight unless the method stores one.
    method : Method or str
        Generator and density come from it. The method ``dense`` leaves the model as it is.
    exclude : sequence of str, optional
        Patterns of names of layers that stay dense, such as ``["head", "blocks.*.norm"]``; default: the last linear
        layer in module order.
    backend : {"auto", "masked", "csr"}
        As for `SparseLinear`; "auto" chooses by the density that a layer has on average while it trains.
    init : {"he", "keep"}
        Draw new weights, scaled for the number of links, or keep the model's weights where there are links. A method
        that trains more than the links (Top-KAST) draws or keeps weights for all cells; the links are the largest. One
        whose links have signs (DeepR) draws their magnitudes, and keeps none. Biases are kept either way, but for
        layers on the meta device, which have none.
    calibration : Tensor, optional
        Data, of shape (n_samples, n_features), for generators that start from data, and for these alone.
    seed : int
        Fixes topology and weights; each layer has its own stream, by its name.
    batch : int
        Activations of a neuron in a step, by which ``backend="auto"`` chooses.

    Returns
    -------
    torch.nn.Module
        The model itself.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When no linear layer is left to be made sparse, a pattern matches none, the density leaves a layer without
        links, the model is sparse already, a layer's weight is shared, or is to be kept and on the meta device. The
        model is unchanged then.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> mlp = torch.nn.Sequential(torch.nn.Linear(64, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10))
    >>> tl.sparsify(mlp, tl.method("chts", density=0.05))
    Sequential(
      (0): MaskedLinear(in_features=64, out_features=100, bias=True, n_links=320, density=5.00%)
      (1): ReLU()
      (2): Linear(in_features=100, out_features=10, bias=True)
    )
    """
    method = find_method(method) if isinstance(method, str) else method
    if not isinstance(method, Method):
        raise InvalidTypeError(f"method must be a Method or the name of one, not {type(method).__name__}")
    if init not in INITS:
        raise InvalidValueError(f"init={init!r} is unknown: {suggest(str(init), list(INITS))}")
    batch = check_size("batch", batch)
    if sparse_layers(model):
        raise InvalidValueError("the model is sparse already: call densify(model) first, or build it anew")
    if method.is_dense:
        if calibration is not None:
            raise InvalidValueError(f"method {method.name!r} uses no data: leave calibration out")
        return model
    if method.storage == "dense":
        if backend == "csr":
            raise InvalidValueError(
                f"method {method.name!r} has storage='dense', and the csr backend has links alone: use backend='masked'"
            )
        backend = "masked"
    layers = linear_layers(model, exclude)
    unmade = [name for name, layer in layers.items() if layer.weight.is_meta]
    if init == "keep":
        _check_kept(method, unmade)
    by_weights = method.chooses_anew and init == "keep"
    network = _initial_network(model, layers, method, calibration, seed, by_weights=by_weights)
    with torch.random.fork_rng(devices=[]):  # new layers draw from torch's generator before theirs is known
        on_average = method.mean_density / method.initial_density
        replace_linear(
            model, network.graphs, backend=backend, batch=batch, on_average=on_average, stored=method.storage == "dense"
        )
    for name, layer in sparse_layers(model).items():
        _give_weights(layer, method, None if init == "he" else layers[name].weight.detach(), name=name, seed=seed)
        if name in unmade:
            layer.reset_bias(_generator(seed, name, "biases"))
    return model


def _check_kept(method: Method, unmade: Sequence[str]) -> None:
    """Refuse to keep weights of which there are none, or whose signs the method gives anew."""
    if method.weight_scale != "links":
        raise InvalidValueError(
            f"weight_scale={method.weight_scale!r} is for weights that are drawn, and init='keep' draws none: use "
            "init='he'"
        )
    if method.has_signs:
        raise InvalidValueError(
            f"method {method.name!r} gives every link a sign for good, and weights that are kept have signs of their "
            "own: use init='he'"
        )
    if unmade:
        raise InvalidValueError(f"layer {unmade[0]!r} is on the meta device and has no weights to keep: use init='he'")


def _give_weights(layer: SparseLinear, method: Method, kept: torch.Tensor | None, *, name: str, seed: int) -> None:
    """Draw the weights of a layer, or keep those that it was made with, as the method wants them."""
    generator = _generator(seed, name, "weights")
    if method.chooses_anew:
        assert isinstance(layer, StoredLinear)
        begin(layer, draw_values(layer, generator) if kept is None else kept, method, name=name, seed=seed)
    elif kept is None:
        layer.reset_weight(generator)
        if method.weight_scale == "cells":
            density = layer.n_links / (layer.in_features * layer.out_features)
            layer.set_link_values(layer.link_values() * math.sqrt(density))
        if method.has_signs:
            layer.set_link_values(layer.link_values().abs() * link_signs(layer.cells(), seed, name))


def _generator(seed: int, name: str, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(RandomField(seed, name, 0, purpose).integer)


def _initial_network(
    model: nn.Module,
    layers: Mapping[str, nn.Linear],
    method: Method,
    calibration: torch.Tensor | None,
    seed: int,
    *,
    by_weights: bool,
) -> LayeredNetwork:
    """Generate the topology with which a method begins, or let the model's weights choose it."""
    assert method.generator is not None
    sizes = {name: (layer.in_features, layer.out_features) for name, layer in layers.items()}
    counts = initial_links(sizes, method)
    if by_weights:
        if calibration is not None:
            raise InvalidValueError("the links are chosen by the weights, and use no data: leave calibration out")
        return largest_links(layers, counts, method, seed)
    return make_network(
        method.generator,
        {name: (*sizes[name], counts[name]) for name in layers},
        neuron_groups(model, layers),
        seeds={name: RandomField(seed, name, 0, "generator").integer for name in layers},
        input_generator=method.input_generator,
        data=calibration,
        **method.generator_params,
    )


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


def _check_replaceable(model: nn.Module, chosen: dict[str, nn.Linear]) -> None:
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
