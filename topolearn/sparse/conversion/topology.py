"""From a model to its topology and back: the sparse layers of a model, their graphs and their neuron groups."""

import warnings
from collections.abc import Mapping

import torch
from torch import nn

from topolearn.defaults import AUTO
from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph, LayeredNetwork
from topolearn.sparse.architectures import neuron_groups
from topolearn.sparse.chains.sequential import chain, unchain
from topolearn.sparse.choice import BATCH, CSR, MASKED, best_backend
from topolearn.sparse.conversion.carry_over import carry_over, check_room, put_in_place
from topolearn.sparse.conversion.dense_layers import dense_layer, shape_of, weight_of
from topolearn.sparse.conversion.fused_paths import leave_fused_paths
from topolearn.sparse.conversion.replaceable import obstacle_to_sparsity
from topolearn.sparse.conversion.weight_readers import layers_read_by_weight
from topolearn.sparse.layouts import choose_layouts
from topolearn.sparse.linear import SparseLinear
from topolearn.sparse.stored import StoredLinear
from topolearn.waiting import is_asynchronous


def sparse_layers(model: nn.Module) -> dict[str, SparseLinear]:
    """Return the sparse layers of a model by the name that `topolearn.sparsify` gave them, in module order."""
    layers: dict[str, SparseLinear] = {}
    for path, module in model.named_modules():
        if isinstance(module, SparseLinear):
            name = module.layer_name or path
            if name in layers:
                raise InvalidValueError(f"two sparse layers are named {name!r}: give each its own layer_name")
            layers[name] = module
    return layers


def graphs_of(layers: Mapping[str, SparseLinear]) -> dict[str, BipartiteGraph]:
    """Return the graph of each layer; the links of all layers are copied to the host in one transfer.

    Examples
    --------
    >>> import numpy as np, topolearn as tl
    >>> layer = tl.SparseLinear(3, 2, graph=tl.BipartiteGraph(np.eye(2, 3)))
    >>> {name: graph.n_links for name, graph in graphs_of({"fc1": layer}).items()}
    {'fc1': 2}
    """
    if not layers:
        return {}
    lists = [layer.cells() for layer in layers.values()]
    if is_asynchronous(lists[0].device):
        lists = list(torch.cat(lists).cpu().split([cells.numel() for cells in lists]))
    return {
        name: BipartiteGraph.from_cells(cells.numpy(), layer.in_features, layer.out_features)
        for (name, layer), cells in zip(layers.items(), lists, strict=True)
    }


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
    return LayeredNetwork(graphs_of(layers), groups=groups)


def replace_linear(
    model: nn.Module,
    graphs: Mapping[str, BipartiteGraph],
    *,
    backend: str = "auto",
    batch: int = BATCH,
    on_average: float = 1.0,
    stored: bool = False,
) -> None:
    """Replace named linear layers of a model with sparse ones that have the same biases and, on the links, weights.

    A sparse layer also takes over everything else that the dense one had, as `topolearn.sparsify` describes, and
    replaces it wherever it occurs in the model.

    A layer on the meta device, which has no values, is replaced with one on torch's default device with new parameters.
    Layers whose dense weight would not fit into memory can be created this way.

    Parameters
    ----------
    model : torch.nn.Module
        The model; the named modules must be dense linear layers that can be replaced.
    graphs : Mapping of str to BipartiteGraph
        The topology of each layer, by its module name.
    backend : str
        As for `SparseLinear`; "auto" also chooses masked where other code reads the weight of a layer.
    batch : int
        Activations per neuron and step, for the choice of "auto".
    on_average : float
        Share of these links that a layer has on average during training, for the choice of "auto".
    stored : bool
        Create `StoredLinear` layers, which remember the value of every cell, whatever the backend.

    Raises
    ------
    InvalidValueError
        When a layer does more than apply its weight and bias, or has an attribute whose name a sparse layer uses for
        something else. The model is unchanged in that case.
    """
    replacements: dict[nn.Module, SparseLinear] = {}
    readers = layers_read_by_weight(model)
    groups = neuron_groups(model, {name: model.get_submodule(name) for name in graphs})
    for name, graph in graphs.items():
        dense = model.get_submodule(name)
        obstacle = obstacle_to_sparsity(dense)
        if obstacle:
            raise InvalidValueError(f"layer {name!r} {obstacle.reason}: {obstacle.cure}")
        (n_out, n_in), weight = shape_of(dense), weight_of(dense)
        dtype, device = weight.dtype, torch.get_default_device() if weight.is_meta else weight.device
        kind, layer_class = backend, StoredLinear if stored else SparseLinear
        if backend == AUTO and not stored:
            density = on_average * graph.density
            best = best_backend(n_in, n_out, density, batch=batch, device=device, dtype=dtype)
            kind = MASKED if dense in readers else best
        elif backend == CSR and dense in readers:
            warnings.warn(
                f"{readers[dense]} reads the weight of layer {name!r}, which a csr layer does not have: if its forward "
                f"fails, use backend='masked', or leave the layer dense with exclude=[{name!r}, ...]",
                stacklevel=3,
            )
        layer = layer_class(n_in, n_out, graph, dense.bias is not None, kind, device, dtype)
        layer.layer_name, layer.dense_class = name, type(dense)
        if not weight.is_meta:
            layer.set_link_values(weight.flatten()[layer.cells()])
        check_room(name, dense, layer)
        replacements[dense] = layer
    for dense, sparse in replacements.items():
        carry_over(dense, sparse)
    put_in_place(model, replacements)
    choose_layouts({layer.layer_name: layer for layer in replacements.values()}, groups)
    chain(model)
    leave_fused_paths(model)


def densify(model: nn.Module) -> nn.Module:
    """Replace the sparse layers of a model with dense ones that have the same weights, in place.

    The dense layers are `torch.nn.Linear`, or of the class that `topolearn.sparsify` replaced. They keep everything
    else that the sparse ones had: training mode, hooks, biases, ``requires_grad``, and parameters, buffers, modules and
    attributes that the user added. Hooks on the weight itself are lost, and a separately compiled layer is no longer
    compiled.

    Returns
    -------
    torch.nn.Module
        The model. Its outputs are unchanged, and its zero weights can now train.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> model = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 2)), "set")
    >>> type(tl.densify(model)[0]).__name__
    'Linear'
    """
    if isinstance(model, SparseLinear):
        raise InvalidValueError(
            "the model is itself a SparseLinear and cannot be replaced in place: wrap it in an nn.Sequential"
        )
    replacements = {module: dense_layer(module) for module in model.modules() if isinstance(module, SparseLinear)}
    for sparse, dense in replacements.items():
        carry_over(sparse, dense)
    put_in_place(model, replacements)
    unchain(model)
    return model
