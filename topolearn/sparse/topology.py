"""From a model to its topology, and back: the sparse layers of a model, their graphs and how their neurons meet."""

from collections.abc import Mapping

import torch
from torch import nn

from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph, LayeredNetwork
from topolearn.sparse.architectures import neuron_groups
from topolearn.sparse.chained import chain, unchain
from topolearn.sparse.choice import AUTO, BATCH, best_backend
from topolearn.sparse.linear import SparseLinear
from topolearn.sparse.stored import StoredLinear


def sparse_layers(model: nn.Module) -> dict[str, SparseLinear]:
    """Return the sparse layers of a model by the name that `topolearn.sparsify` gave them, in module order."""
    layers: dict[str, SparseLinear] = {}
    for path, module in model.named_modules():
        if isinstance(module, SparseLinear):
            name = module.layer_name or path
            if name in layers:
                raise InvalidValueError(f"two sparse layers are called {name!r}: give each its own layer_name")
            layers[name] = module
    return layers


def topology_of(model: nn.Module) -> LayeredNetwork:
    """Return the topology of a model: the graph of each sparse layer, and the neuron groups between them.

    The groups are those that `topolearn.sparse.neuron_groups` finds.

    Parameters
    ----------
    model : torch.nn.Module
        A model with `SparseLinear` layers.

    Returns
    -------
    LayeredNetwork

    Raises
    ------
    InvalidValueError
        When the model has no sparse layer.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> mlp = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 8), torch.nn.Linear(8, 2))
    >>> network = tl.topology_of(tl.sparsify(mlp, tl.method("set", density=0.5)))
    >>> {name: g.n_links for name, g in network.graphs.items()}
    {'0': 32, '2': 32}
    >>> network.groups
    (NeuronGroup(writers=('0',), readers=('2',), combine='any', heads=1, rotary=None),)
    """
    layers = sparse_layers(model)
    if not layers:
        raise InvalidValueError("the model has no sparse layer: call sparsify(model, method) first")
    groups = neuron_groups(model, layers)
    return LayeredNetwork({name: layer.graph for name, layer in layers.items()}, groups=groups)


def replace_linear(
    model: nn.Module,
    graphs: Mapping[str, BipartiteGraph],
    *,
    backend: str = "auto",
    batch: int = BATCH,
    on_average: float = 1.0,
    stored: bool = False,
) -> None:
    """Replace the named linear layers of a model by sparse ones with the same biases and, on the links, weights.

    A layer on the meta device, which has neither, is replaced by one on torch's default device with parameters of its
    own; so a layer can be made whose dense weight would not fit into memory.

    Parameters
    ----------
    model : torch.nn.Module
        The model; the named modules must be `torch.nn.Linear`.
    graphs : Mapping of str to BipartiteGraph
        The topology of each layer, by its module name.
    backend : str
        As for `SparseLinear`.
    batch : int
        Activations of a neuron in a step, by which "auto" chooses.
    on_average : float
        Share of these links that a layer has on average while it trains, by which "auto" chooses.
    stored : bool
        Make layers that remember the value of every cell, `StoredLinear`, whatever the backend.
    """
    for name, graph in graphs.items():
        parent, _, child = name.rpartition(".")
        linear = model.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        n_in, n_out, dtype = linear.in_features, linear.out_features, linear.weight.dtype
        device = torch.get_default_device() if linear.weight.is_meta else linear.weight.device
        kind, layer_class = backend, StoredLinear if stored else SparseLinear
        if backend == AUTO and not stored:
            kind = best_backend(n_in, n_out, on_average * graph.density, batch=batch, device=device, dtype=dtype)
        layer = layer_class(n_in, n_out, graph, linear.bias is not None, kind, device, dtype)
        layer.layer_name = name
        layer.train(linear.training)
        if not linear.weight.is_meta:
            layer.set_link_values(linear.weight.detach().flatten()[layer.cells()])
            if linear.bias is not None:
                layer.get_parameter("bias").data.copy_(linear.bias.data)
        setattr(model.get_submodule(parent), child, layer)
    chain(model)


def densify(model: nn.Module) -> nn.Module:
    """Replace the sparse layers of a model by `torch.nn.Linear` layers with the same weights, in place.

    Returns
    -------
    torch.nn.Module
        The model; its outputs are unchanged, its zero weights become free to train.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> model = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 2)), "set")
    >>> type(tl.densify(model)[0]).__name__
    'Linear'
    """
    for path, module in list(model.named_modules()):
        if isinstance(module, SparseLinear):
            if not path:
                raise InvalidValueError("the model is itself a SparseLinear and cannot be replaced in place: wrap it")
            linear = nn.Linear(
                module.in_features, module.out_features, module.bias is not None,
                module.link_parameter.device, module.link_parameter.dtype,
            )  # fmt: skip
            linear.weight.data.copy_(module.dense_weight())
            if module.bias is not None:
                linear.bias.data.copy_(module.get_parameter("bias").data)
            parent, _, child = path.rpartition(".")
            setattr(model.get_submodule(parent), child, linear.train(module.training))
    unchain(model)
    return model
