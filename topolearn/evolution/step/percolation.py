"""Percolation of a model: no layer loses all of its links, and the optimizer state follows."""

import warnings
from collections.abc import Container, Mapping, Sequence

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.errors import InvalidValueError
from topolearn.evolution.per_link.optimizer_state import check_optimizer, follow_links, unwrapped
from topolearn.evolution.starting.one_device import check_one_device
from topolearn.graph import NeuronGroup, edges_of, percolate_cells, validated_groups, without
from topolearn.sparse import neuron_groups, sparse_layers

Shapes = Mapping[str, tuple[int, int]]


def percolated(
    cells: Mapping[str, Tensor],
    shapes: Shapes,
    groups: Sequence[NeuronGroup],
    *,
    unit: str = "coordinate",
    frozen: Container[str] = (),
) -> dict[str, Tensor]:
    """Return the links that percolation leaves, on any device; see `topolearn.percolate`.

    Layers that percolation would empty stay unchanged, with a warning. Frozen layers stay unchanged, too.

    Parameters
    ----------
    cells : Mapping of str to Tensor of int64
        The links of each layer as sorted flat positions.
    shapes : Mapping of str to (int, int)
        Numbers of output and input neurons of each layer.
    groups : sequence of NeuronGroup
    unit : {"coordinate", "rotary_pair"}
    frozen : container of str

    Examples
    --------
    >>> import torch
    >>> cells = {"a": torch.tensor([0, 3]), "b": torch.tensor([1])}
    >>> percolated(cells, {"a": (2, 2), "b": (1, 2)}, [NeuronGroup(("a",), ("b",))])
    {'a': tensor([3]), 'b': tensor([1])}
    """
    left = percolate_cells(cells, shapes, groups, unit=unit)
    emptied = [name for name, links in cells.items() if links.numel() and not left[name].numel()]
    if emptied:
        warnings.warn(
            f"percolation would leave no links in {', '.join(map(repr, emptied))}, so these layers stay unchanged: "
            "raise the density, or lower zeta",
            stacklevel=2,
        )
    return {name: links if name in frozen or name in emptied else left[name] for name, links in cells.items()}


def percolate_model(
    model: nn.Module, optimizer: Optimizer | None = None, *, unit: str = "coordinate"
) -> dict[str, np.ndarray]:
    """Remove links to and from inactive neurons of a model, in place, until no such links remain.

    Training does this at each update if the method percolates. Call this function on a model outside of training,
    for example before storing it. The outputs of the model stay the same if its layers have no biases (a neuron without
    incoming links still passes on its bias) and, with rotary positions, for ``unit="rotary_pair"``.

    Parameters
    ----------
    model : torch.nn.Module
        A model with `SparseLinear` layers.
    optimizer : torch.optim.Optimizer, optional
        The optimizer that trains the model, bare or in a wrapper; its state follows the links.
    unit : {"coordinate", "rotary_pair"}
        As for `topolearn.percolate`.

    Returns
    -------
    dict of str to array of shape (k, 2)
        The links removed from each layer: rows (input, output), sorted.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When the model has no sparse layers, or they are on several devices, its groups or the optimizer do not fit, or
        `unit` is unknown.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> model = torch.nn.Sequential(torch.nn.Linear(9, 30), torch.nn.ReLU(), torch.nn.Linear(30, 9))
    >>> model = tl.sparsify(model, tl.method("static", density=0.05), exclude=[], seed=1)
    >>> {name: len(edges) for name, edges in tl.evolution.percolate_model(model).items()}
    {'0': 9, '2': 9}
    """
    layers = sparse_layers(model)
    if not layers:
        raise InvalidValueError("the model has no sparse layers: call sparsify(model, method) first")
    check_one_device(layers)
    if optimizer is not None:
        optimizer = unwrapped(optimizer)
        check_optimizer(optimizer, layers)
    shapes = {name: layer.shape for name, layer in layers.items()}
    groups = validated_groups(neuron_groups(model, layers), shapes)
    cells = {name: layer.cells() for name, layer in layers.items()}
    removed = {}
    for name, left in percolated(cells, shapes, groups, unit=unit).items():
        removed[name] = edges_of(without(cells[name], left).cpu().numpy(), layers[name].in_features)
        if left is not cells[name]:
            moved = layers[name].set_links(left)
            if optimizer is not None:
                follow_links(optimizer, layers[name], moved)
    return removed
