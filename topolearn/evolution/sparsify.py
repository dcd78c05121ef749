"""`sparsify`: give a model the initial topology of a method."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from topolearn.checks import check_size
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution.admission import linear_layers
from topolearn.evolution.initial_weights import HE, KEEP, XAVIER, Init, as_init, default_inits
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.left_dense import warn_of_unknown
from topolearn.evolution.methods import Method, check_backend
from topolearn.evolution.methods import method as find_method
from topolearn.evolution.ordinary import Ordinary
from topolearn.evolution.plan import initial_links
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
        Any model with `torch.nn.Linear` layers, or ``Conv1D`` of GPT-2. Make the optimizer after this call. Layers on
        the meta device are made on torch's default device, without ever having a dense weight unless the method stores
        one.
    method : Method or str
        Generator and density come from it. The method ``dense`` leaves the model as it is.
    exclude : sequence of str, optional
        Patterns of names of layers that stay dense, such as ``["head", "blocks.*.norm"]``; default: the outputs, as
        `topolearn.sparse.output_layers` finds them, or a module declares by ``output_layers = ["head"]``.
    backend : {"auto", "masked", "csr"}
        As for `SparseLinear`; "auto" chooses by the density that a layer has on average while it trains.
    init : {"he", "keep", "xavier", "xavier-links"} or float, optional
        The initial weights of the links: ``he`` draws from N(0, 2 / (density * n_in)), scaled for the links that a
        neuron has; ``keep`` keeps the model's weights; ``xavier`` draws from U(-a, a), a = sqrt(6 / (n_in + n_out)), as
        `torch.nn.init.xavier_uniform_` does for the dense layer; ``xavier-links`` divides these by sqrt(density); a
        number is the standard deviation of a normal law with mean 0, whatever the layer's size. Default: ``keep`` for
        the layers of a `transformers.PreTrainedModel` in the model, or that is the model, and ``he`` for others; layers
        of the former that have nothing to keep (on the meta device), or whose method cannot (DeepR, a generator with
        Top-KAST), draw by ``xavier``. ``layer.init_name`` tells which it was, as do ``print(model)``, where it is not
        ``he``, and a report.
        A method that trains more than the links (Top-KAST) draws or keeps weights for all cells; the links are the
        largest, and have the mean square of the law. One whose links have signs (DeepR) draws their magnitudes, and
        keeps none. ``weight_scale="cells"`` is for ``he`` alone. Biases are kept either way, but for layers on the
        meta device, which have none.
    calibration : Tensor, optional
        Data, of shape (n_samples, n_features), for generators that start from data, and for these alone.
    seed : int
        Fixes topology and weights; each layer has its own stream, by its name.
    batch : int
        Activations of a neuron in a step, by which ``backend="auto"`` chooses.

    Returns
    -------
    torch.nn.Module
        The model itself. Its sparse layers have all else that the dense ones had: training mode, hooks, biases,
        ``requires_grad``, and parameters, buffers, modules and attributes that the user added. They are not of the
        class of the former, if that was a subclass of `torch.nn.Linear`; `topolearn.densify` puts it back.

    Warns
    -----
    UserWarning
        When other modules than linear layers have matrices among their parameters, such as convolutions or embeddings,
        which stay dense.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When no linear layer is left to be made sparse, ``init`` is unknown, not positive or not for this method, a
        pattern matches none, the density leaves a layer without links, the model is sparse already, a layer's weight is
        shared, or is to be kept and on the meta device, or a layer is more than its weight and bias: one with a forward
        of its own, as of adapters and quantised layers, a parametrised, pruned or uninitialised one. The model is
        unchanged then.

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
    batch = check_size("batch", batch)
    if sparse_layers(model):
        raise InvalidValueError("the model is sparse already: call densify(model) first, or rebuild it")
    if method.is_dense:
        if calibration is not None:
            raise InvalidValueError(f"method {method.name!r} uses no data: leave calibration out")
        return model
    check_backend(method, backend)
    layers, kind = linear_layers(model, exclude), kind_of(method)
    weights = {name: weight_of(layer) for name, layer in layers.items()}
    unmade = [name for name, weight in weights.items() if weight.is_meta]
    inits = _inits(model, layers, kind, named, unmade)
    kept = {name: weights[name] for name, each in inits.items() if each.name == KEEP}
    network = _initial_network(model, layers, kind, calibration, seed, kept)
    warn_of_unknown(model)
    with torch_draws_from(0):  # new layers draw weights, before they are given theirs
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
    """Return the initial weights of each layer: those that are named, if the method and the model can have them."""
    refusal, scale = kind.refusal_of_kept_weights(), kind.method.weight_scale
    is_scaled = scale != "links"
    if named is None:
        return default_inits(model, layers, keeps=refusal is None, draws=HE if is_scaled else XAVIER)
    if named.name == KEEP:
        if refusal:
            raise InvalidValueError(refusal)
        if unmade:
            raise InvalidValueError(
                f"layer {unmade[0]!r} is on the meta device and has no weights to keep: use init='he'"
            )
    elif is_scaled and named.name != HE:
        raise InvalidValueError(
            f"weight_scale={scale!r} scales the weights of init='he', and init={named.name!r} has a scale of its own: "
            "leave one of them out"
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
    """Generate the topology with which a method begins, or let the weights that are kept choose it."""
    method = kind.method
    assert method.generator is not None
    shapes = {name: shape_of(layer) for name, layer in layers.items()}
    sizes = {name: (n_in, n_out) for name, (n_out, n_in) in shapes.items()}
    counts = initial_links(sizes, method)
    chosen = (kind.links_of_weights(kept, counts, seed) if kept else None) or {}
    if chosen and calibration is not None:
        raise InvalidValueError("the links are chosen by the weights, and use no data: leave calibration out")
    groups = neuron_groups(model, layers)
    if len(chosen) == len(layers):
        return LayeredNetwork(chosen, groups=groups)
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
