"""One evolution step: density decay, removal, percolation, regrowth (Figure 1 of the paper), on the links alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from topolearn.evolution.events import updates_of
from topolearn.evolution.heads import Heads, heads_of
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.links import LayerLinks, Targets
from topolearn.evolution.methods import Method
from topolearn.evolution.percolation import percolated
from topolearn.evolution.stages import LayerState, Step, decay
from topolearn.evolution.update import LayerUpdate
from topolearn.graph import NeuronGroup
from topolearn.waiting import Readings

States = dict[str, LayerState]


def evolve(
    layers: Mapping[str, LayerLinks],
    groups: Sequence[NeuronGroup],
    method: Method,
    *,
    progress: float,
    seed: int,
    index: int,
    targets: Targets | None = None,
    rewire: bool = True,
    readings: Readings | None = None,
) -> tuple[dict[str, Tensor], dict[str, LayerUpdate]]:
    """Compute the links of each layer after one evolution step; nothing is changed in place.

    Parameters
    ----------
    layers : Mapping of str to LayerLinks
        Weights and links by layer name.
    groups : sequence of NeuronGroup
        How the layers' neurons meet; percolation follows these.
    method : Method
        A method that evolves.
    progress : float
        Share of the evolution that has passed, in [0, 1].
    seed, index : int
        Seed of the run and number of the update: with the layer's name they fix every draw.
    targets : Targets, optional
        How many links the layers that are not frozen are to have; default as many as before.
    rewire : bool
        Whether links are removed and regrown, besides those that a falling density prunes.
    readings : Readings, optional
        What the host is to read of the layers besides, before the step is done; it is settled.

    Returns
    -------
    cells : dict of str to Tensor of int64
        The links of each layer after the step, as sorted flat positions.
    updates : dict of str to LayerUpdate
        What happened.

    Raises
    ------
    InvalidValueError
        When a gradient that a score asks for is missing or not finite; the message names the layer.
    """
    if targets is None:
        present = {name: layer.cells.numel() for name, layer in layers.items() if not layer.frozen}
        targets = Targets(present, present)
    step, kind = Step(method, progress, seed, index, readings or Readings()), kind_of(method)
    n_heads = heads_of(groups, {name: layer.shape for name, layer in layers.items()}) if method.per_head else {}
    heads = Heads(layers, n_heads)
    states = heads.split(targets)  # with ``per_head`` each head is a layer from here on
    free = [name for name, state in states.items() if not state.layer.frozen]
    if targets.decays or kind.reselects:
        states |= decay({name: states[name] for name in free}, step, pooled=targets.pooled)
    if rewire and method.removal is not None:
        for name in free:
            states[name] = kind.remove(states[name], step)
        if method.percolation:
            states = _percolate(states, heads, groups, step)
        states |= kind.regrow({name: states[name] for name in free}, step)
    kind.check_counts({name: states[name] for name in free}, step, pooled=targets.pooled)
    wholes = heads.join(states)
    updates = updates_of(wholes, step.readings, decays=targets.decays)
    return {name: state.after for name, state in wholes.items()}, updates


def _percolate(states: States, heads: Heads, groups: Sequence[NeuronGroup], step: Step) -> States:
    """Take the network through percolation; all heads of a layer percolate together."""
    wholes = heads.join(states)
    survivors = heads.split_cells(
        percolated(
            {name: state.kept for name, state in wholes.items()},
            {name: state.layer.shape for name, state in wholes.items()},
            groups,
            unit=step.method.percolation_unit,
            frozen={name for name, state in wholes.items() if state.layer.frozen},
        )
    )
    return {name: replace(state, survivors=survivors[name]) for name, state in states.items()}
