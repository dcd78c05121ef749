"""Find active neurons: driven by the layers that write to them, and read by others."""

from collections.abc import Callable, Mapping
from functools import reduce

import torch
from torch import Tensor

from topolearn.errors import UnknownNameError
from topolearn.graph.groups import NeuronGroup, Shapes
from topolearn.registry import suggest

UNITS = ("coordinate", "rotary_pair")
_COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"any": torch.logical_or, "all": torch.logical_and}


def check_unit(unit: str) -> None:
    """Raise an error unless the unit is one of `UNITS`.

    Raises
    ------
    UnknownNameError
    """
    if unit not in UNITS:
        raise UnknownNameError(f"unknown percolation unit {unit!r}: {suggest(str(unit), list(UNITS))}")


def active_neurons(
    group: NeuronGroup,
    shapes: Shapes,
    fan_in: Mapping[str, Tensor],
    fan_out: Mapping[str, Tensor],
    unit: str = "coordinate",
) -> Tensor:
    """Return which neurons of a group are active.

    Parameters
    ----------
    group : NeuronGroup
    shapes : Mapping of str to (int, int)
        Numbers of output and input neurons of each layer.
    fan_in : Mapping of str to Tensor, shape (n_out,)
        Links into each output neuron of the writers.
    fan_out : Mapping of str to Tensor, shape (n_in,)
        Links out of each input neuron of the readers.
    unit : {"coordinate", "rotary_pair"}
        In groups with rotary positions: whether each neuron is driven by itself, or together with the neuron that these
        positions rotate it into.

    Returns
    -------
    Tensor of bool, shape (n,)
        For each neuron of the population, where a shared head appears once for each head that it serves.

    Examples
    --------
    >>> import torch
    >>> group, shapes = NeuronGroup(("q", "k"), (), "all", rotary="halves"), {"q": (4, 9), "k": (4, 9)}
    >>> fans = {"q": torch.tensor([3, 0, 0, 0]), "k": torch.tensor([0, 2, 5, 0])}
    >>> active_neurons(group, shapes, fans, {}).tolist()
    [False, False, False, False]
    >>> active_neurons(group, shapes, fans, {}, unit="rotary_pair").tolist()
    [True, False, True, False]
    """
    size = group.n_neurons(shapes)
    neuron = torch.arange(size, device=fan_in[group.writers[0]].device)
    driven = [(fan_in[name] > 0)[group.own_neuron(neuron, shapes[name][0], size)] for name in group.writers]
    if unit == "rotary_pair" and group.rotary is not None:
        partner = _partner(neuron, group, size // group.heads)
        driven = [own | own[partner] for own in driven]
    active = reduce(_COMBINE[group.combine], driven)
    if group.readers:
        read = [(fan_out[name] > 0)[group.own_neuron(neuron, shapes[name][1], size)] for name in group.readers]
        active = active & reduce(torch.logical_or, read)
    return active


def _partner(neuron: Tensor, group: NeuronGroup, width: int) -> Tensor:
    """Return the coordinate that rotary positions mix with each one."""
    if group.rotary == "neighbours":
        return neuron ^ 1
    return neuron + torch.where(neuron % width < width // 2, width // 2, -(width // 2))


def in_layer(group: NeuronGroup, active: Tensor, n: int) -> Tensor:
    """Return which of the n neurons of a layer correspond to at least one active neuron of the group."""
    if n == active.numel():
        return active
    own = group.own_neuron(torch.arange(active.numel(), device=active.device), n, active.numel())
    return torch.zeros(n, dtype=torch.int64, device=active.device).index_add_(0, own, active.to(torch.int64)) > 0
