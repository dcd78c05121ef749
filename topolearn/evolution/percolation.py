"""Percolation of a model that trains: layers keep at least what they need to be layers, and the optimizer follows."""

import warnings
from collections.abc import Container, Mapping, Sequence

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.errors import InvalidValueError
from topolearn.evolution.one_device import check_one_device
from topolearn.evolution.optimizer_state import check_optimizer, follow_links, unwrapped
from topolearn.graph import NeuronGroup, checked, edges_of, percolate_cells, without
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

    Layers that it would empty stay as they are, with a warning, and so do frozen ones.

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
            f"percolation would leave no link in {', '.join(map(repr, emptied))}: left as they are; raise the density, "
            "or lower zeta",
            stacklevel=2,
        )
    return {name: links if name in frozen or name in emptied else left[name] for name, links in cells.items()}


def percolate_model(
    model: nn.Module, optimizer: Optimizer | None = None, *, unit: str = "coordinate"
) -> dict[str, np.ndarray]:
    """Remove all links to and from inactive neurons of a model, in place, until none is left.

    A training does this at each update, if its method percolates; this is for a model as it is, such as one that is
    to be stored. Its outputs stay as they are where layers have no biases (a neuron without a link in still sends its
    bias on) and, with rotary positions, for ``unit="rotary_pair"``.

    Parameters
    ----------
    model : torch.nn.Module
        A model with `SparseLinear` layers.
    optimizer : torch.optim.Optimizer, optional
        One that trains it, bare or in a wrapper; what it remembers follows the links.
    unit : {"coordinate", "rotary_pair"}
        As for `topolearn.percolate`.

    Returns
    -------
    dict of str to array of shape (k, 2)
        The links removed from each layer: rows (input, output), sorted.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When the model has no sparse layer, or they are on several devices, its groups or the optimizer do not fit, or
        `unit` is another word.

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
        raise InvalidValueError("the model has no sparse layer: call sparsify(model, method) first")
    check_one_device(layers)
    if optimizer is not None:
        optimizer = unwrapped(optimizer)
        check_optimizer(optimizer, layers)
    shapes = {name: layer.shape for name, layer in layers.items()}
    groups = checked(neuron_groups(model, layers), shapes)
    cells = {name: layer.cells() for name, layer in layers.items()}
    removed = {}
    for name, left in percolated(cells, shapes, groups, unit=unit).items():
        removed[name] = edges_of(without(cells[name], left).cpu().numpy(), layers[name].in_features)
        if left is not cells[name]:
            moved = layers[name].set_links(left)
            if optimizer is not None:
                follow_links(optimizer, layers[name], moved)
    return removed
