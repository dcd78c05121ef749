"""`sparsify`: replace the linear layers of a model by sparse ones with the initial topology of a method."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from topolearn.checks import check_seed, check_size
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.methods import Method, check_backend
from topolearn.evolution.methods import method as find_method
from topolearn.evolution.ordinary import Ordinary
from topolearn.evolution.plan import initial_links
from topolearn.evolution.starting.admission import linear_layers
from topolearn.evolution.starting.initial_weights import HE, KEEP, XAVIER, Init, as_init, default_inits
from topolearn.evolution.starting.left_dense import warn_of_unknown
from topolearn.generators import make_network
from topolearn.graph import LayeredNetwork
from topolearn.sampling import RandomField, torch_draws_from
from topolearn.sparse import neuron_groups, replace_linear, shape_of, sparse_layers, weight_of
from topolearn.sparse.choice import BATCH


def sparsify(
    model: nn.Module,
    method: Method | str,
    *,
    exclude: Sequence[str] | None = None,
    backend: str = "auto",
    init: str | float | None = None,
    calibration: torch.Tensor | None = None,
    seed: int = 0,
    batch: int = BATCH,
) -> nn.Module:
    """Replace the linear layers of a model by sparse ones with the initial topology of a method, in place.

    Parameters
    ----------
    model : torch.nn.Module
        Any model with `torch.nn.Linear` layers, or the ``Conv1D`` of GPT-2. Create the optimizer after this call.
        Layers on the meta device are created on torch's default device; they never allocate a dense weight unless the
        method stores one.
    method : Method or str
        The method that determines generator and density. The method ``dense`` leaves the model unchanged.
    exclude : sequence of str, optional
        Name patterns of layers that stay dense, such as ``["head", "blocks.*.norm"]``; by default the output layers, as
        `topolearn.sparse.output_layers` finds them or a module declares with ``output_layers = ["head"]``.
    backend : {"auto", "masked", "csr"}
        As for `SparseLinear`; "auto" chooses based on the average density of a layer during training.
    init : {"he", "keep", "xavier", "xavier-links"} or float, optional
        The initial weights of the links: ``he`` draws from N(0, 2 / (density * n_in)), scaled for the links per neuron;
        ``keep`` keeps the model's weights; ``xavier`` draws from U(-a, a), a = sqrt(6 / (n_in + n_out)), as
        `torch.nn.init.xavier_uniform_` does for the dense layer; ``xavier-links`` divides these by sqrt(density); a
        number is the standard deviation of a normal distribution with mean 0, regardless of the layer's size.

        Default: ``keep`` for the layers of a `transformers.PreTrainedModel` (the model itself or a part of it), and
        ``he`` for others. Layers of the former use ``xavier`` if they have no weights to keep (on the meta device), or
        the method cannot keep them (DeepR, a generator with Top-KAST). ``layer.init_name`` holds the name, which
        reports and, unless it is ``he``, ``print(model)`` show.

        A method that trains more cells than the links (Top-KAST) draws or keeps weights for all cells; the links are
        the largest, and have the mean square of the distribution. A method whose links have signs (DeepR) draws their
        magnitudes and cannot keep weights. ``weight_scale="cells"`` requires ``he``. Biases are always kept, except in
        layers on the meta device, which have none.
    calibration : Tensor, optional
        Data of shape (n_samples, n_features), only for generators that start from data.
    seed : int
        Seed of topology and weights; each layer has its own random stream, derived from its name.
    batch : int
        Activations per neuron and step, on which ``backend="auto"`` bases its choice.

    Returns
    -------
    torch.nn.Module
        The model itself. Its sparse layers keep everything else of the dense ones: training mode, hooks, biases,
        ``requires_grad``, and parameters, buffers, modules and attributes that the user added. If a dense layer was of
        a subclass of `torch.nn.Linear`, the sparse layer is not; `topolearn.densify` restores the class.

    Warns
    -----
    UserWarning
        When modules other than linear layers, such as convolutions or embeddings, have matrices among their parameters;
        these stay dense.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When no linear layers are left to make sparse, ``init`` is unknown, not positive or not supported by the method,
        a pattern matches no layer, the density leaves a layer without links, the model is sparse already, a layer's
        weight is shared, or should be kept but is on the meta device, or a layer is more than its weight and bias: a
        layer with a custom forward, such as adapters and quantised layers, or a parametrised, pruned or uninitialised
        layer. The model is unchanged then.

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
    named = None if init is None else as_init(init)
    batch, seed = check_size("batch", batch), check_seed(seed)
    if sparse_layers(model):
        raise InvalidValueError("the model is sparse already: call densify(model) first, or rebuild it")
    if method.is_dense:
        if calibration is not None:
            raise InvalidValueError(f"method {method.name!r} does not use data: drop calibration")
        return model
    check_backend(method, backend)
    layers, kind = linear_layers(model, exclude), kind_of(method)
    weights = {name: weight_of(layer) for name, layer in layers.items()}
    unmade = [name for name, weight in weights.items() if weight.is_meta]
    inits = _inits(model, layers, kind, named, unmade)
    kept = {name: weights[name] for name, each in inits.items() if each.name == KEEP}
    network = _initial_network(model, layers, kind, calibration, seed, kept)
    warn_of_unknown(model)
    with torch_draws_from(0):  # new layers draw weights, which are replaced below
        on_average = method.mean_density / method.initial_density
        replace_linear(
            model, network.graphs, backend=backend, batch=batch, on_average=on_average, stored=method.remembers_all
        )
    for name, layer in sparse_layers(model).items():
        source = inits[name].law_of(layer) or kept[name]
        kind.give_weights(layer, source, _generator(seed, name, "weights"), name=name, seed=seed)
        layer.init_name = inits[name].name
        if name in unmade:
            layer.reset_bias(_generator(seed, name, "biases"))
    return model


def _inits(
    model: nn.Module, layers: Mapping[str, nn.Module], kind: Ordinary, named: Init | None, unmade: Sequence[str]
) -> dict[str, Init]:
    """Return the initialization of each layer: the given one, if method and model allow it, or the default."""
    reason, scale = kind.why_not_keep_weights(), kind.method.weight_scale
    is_scaled = scale != "links"
    if named is None:
        return default_inits(model, layers, keeps=reason is None, draws=HE if is_scaled else XAVIER)
    if named.name == KEEP:
        if reason:
            raise InvalidValueError(reason)
        if unmade:
            raise InvalidValueError(
                f"layer {unmade[0]!r} is on the meta device and has no weights to keep: use init='he'"
            )
    elif is_scaled and named.name != HE:
        raise InvalidValueError(
            f"weight_scale={scale!r} only applies to init='he', and init={named.name!r} has its own scale: drop one of "
            "them"
        )
    return dict.fromkeys(layers, named)


def _generator(seed: int, name: str, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(RandomField(seed, name, 0, purpose).integer)


def _initial_network(
    model: nn.Module,
    layers: Mapping[str, nn.Module],
    kind: Ordinary,
    calibration: torch.Tensor | None,
    seed: int,
    kept: Mapping[str, torch.Tensor],
) -> LayeredNetwork:
    """Generate the initial topology of a method, or let the kept weights choose it."""
    method = kind.method
    assert method.generator is not None
    shapes = {name: shape_of(layer) for name, layer in layers.items()}
    sizes = {name: (n_in, n_out) for name, (n_out, n_in) in shapes.items()}
    counts = initial_links(sizes, method)
    chosen = (kind.links_of_weights(kept, counts, seed) if kept else None) or {}
    if chosen and calibration is not None:
        raise InvalidValueError("the kept weights choose the links, which does not use data: drop calibration")
    groups = neuron_groups(model, layers)
    if len(chosen) == len(layers):
        return LayeredNetwork(chosen, groups=groups)
    if method.needs_data and calibration is None:
        raise InvalidValueError(
            f"generator {method.input_generator or method.generator!r} needs data: pass inputs of the model, of shape "
            "(n_samples, n_features), with calibration=..., or choose another generator"
        )
    network = make_network(
        method.generator,
        {name: (*sizes[name], counts[name]) for name in layers},
        groups,
        seeds={name: RandomField(seed, name, 0, "generator").integer for name in layers},
        input_generator=method.input_generator,
        data=calibration,
        **method.generator_params,
    )
    return LayeredNetwork({**network.graphs, **chosen}, groups=groups)
