"""One evolution step: density decay, removal, percolation and regrowth (Figure 1 of the paper)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from topolearn.distributed import CollectedRecord
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.methods import Method
from topolearn.evolution.regrowth import GrowthSite
from topolearn.evolution.step.each_layer import of_each
from topolearn.evolution.step.events import updates_of
from topolearn.evolution.step.heads import Heads, heads_of
from topolearn.evolution.step.links import LayerLinks, Targets
from topolearn.evolution.step.percolation import percolated
from topolearn.evolution.step.stages import LayerState, Step, decay, devices_of
from topolearn.evolution.step.update import LayerUpdate
from topolearn.graph import NeuronGroup

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
) -> tuple[dict[str, Tensor], dict[str, LayerUpdate]]:
    """Compute the links of each layer after one evolution step; nothing is changed in place.

    Parameters
    ----------
    layers : Mapping of str to LayerLinks
        Weights and links by layer name.
    groups : sequence of NeuronGroup
        How the neurons of the layers are connected, for percolation.
    method : Method
        A method that evolves.
    progress : float
        Share of the evolution that is done, in [0, 1].
    seed, index : int
        Seed of the run and number of the update, which with the layer's name determine every draw.
    targets : Targets, optional
        How many links the layers that are not frozen should have; by default as many as before.
    rewire : bool
        Whether links are removed and regrown, in addition to pruning where the density falls.

    Returns
    -------
    cells : dict of str to Tensor of int64
        The links of each layer after the step, as sorted flat positions.
    updates : dict of str to LayerUpdate
        What happened to each layer.

    Raises
    ------
    InvalidValueError
        When a gradient that a score needs is missing or not finite; the message names the layer.
    """
    step = Step(method, progress, seed, index)
    evolution = Evolution(layers, groups, step, targets, rewire=rewire)
    evolution.lose()
    evolution.grow()
    return evolution.outcome()


class Evolution:
    """An evolution step in two halves; between them, ranks that share a layer exchange gradients.

    Parameters
    ----------
    layers, groups, targets, rewire
        As for `evolve`.
    step : Step
    """

    def __init__(
        self,
        layers: Mapping[str, LayerLinks],
        groups: Sequence[NeuronGroup],
        step: Step,
        targets: Targets | None = None,
        *,
        rewire: bool = True,
    ) -> None:
        if targets is None:
            present = {name: layer.cells.numel() for name, layer in layers.items() if not layer.frozen}
            targets = Targets(present, present)
        self._layers, self._groups, self._step, self._targets = layers, groups, step, targets
        self._kind = kind_of(step.method)
        self._rewires = rewire and step.method.removal is not None
        shapes = {name: layer.shape for name, layer in layers.items()}
        self._heads = Heads(layers, heads_of(groups, shapes) if step.method.per_head else {})
        self._states = self._heads.split(targets)  # with ``per_head`` each head is a layer from here on
        self._free = [name for name, state in self._states.items() if not state.layer.frozen]

    def lose(self) -> None:
        """Apply density decay, removal and percolation."""
        step, states = self._step, self._states
        if self._targets.decays or self._kind.reselects:
            states |= decay({name: states[name] for name in self._free}, step, pooled=self._targets.pooled)
        if not self._rewires:
            return
        states |= of_each(lambda name: self._kind.remove(states[name], step), self._free, devices_of(states))
        if step.method.percolation:
            self._states = _percolate(states, self._heads, self._groups, step)

    def sites(self) -> list[GrowthSite]:
        """Return where and how many links will grow."""
        return self._kind.sites(self._free_states(), self._step) if self._rewires else []

    def learn(self, gradients: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Store the gradients collected from all ranks: cells and magnitudes of each layer."""
        for name, layer in self._layers.items():
            if isinstance(layer.record, CollectedRecord) and name in gradients:
                layer.record.collect(*gradients[name])

    def grow(self) -> None:
        """Grow the missing links."""
        if self._rewires:
            self._states |= self._kind.regrow(self._free_states(), self._step)
        self._kind.check_counts(self._free_states(), self._step, pooled=self._targets.pooled)

    def outcome(self) -> tuple[dict[str, Tensor], dict[str, LayerUpdate]]:
        """Return the links after the step and what happened, as `evolve` does."""
        wholes = self._heads.join(self._states)
        updates = updates_of(wholes, self._step.readings, decays=self._targets.decays)
        return {name: state.after for name, state in wholes.items()}, updates

    def _free_states(self) -> States:
        return {name: self._states[name] for name in self._free}


def _percolate(states: States, heads: Heads, groups: Sequence[NeuronGroup], step: Step) -> States:
    """Percolate the network; all heads of a layer percolate together."""
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
