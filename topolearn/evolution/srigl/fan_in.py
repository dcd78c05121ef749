"""`ConstantFanIn`: the kind of SRigL, in which all active neurons have the same number of links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError, TopolearnError
from topolearn.evolution.ordinary import Layers, Ordinary
from topolearn.evolution.srigl.on_accelerator import rewire_on_accelerator
from topolearn.evolution.srigl.rewiring import rewire_with_constant_fan_in
from topolearn.evolution.step.stages import LayerState, Step
from topolearn.graph import remaining
from topolearn.waiting import is_asynchronous


class ConstantFanIn(Ordinary):
    """Distributes the scheduled number of links equally among the active output neurons of a layer (SRigL)."""

    def starting_links(self, name: str, n_links: int, n_in: int, n_out: int) -> int:
        """Return the number of links, rounded down to a multiple of the number of output neurons.

        Raises
        ------
        InvalidValueError
            When there are fewer links than output neurons.
        """
        if n_links < n_out:
            raise InvalidValueError(
                f"layer {name!r} has {n_links} links for {n_out} output neurons, but constant fan-in needs at least "
                f"one link per neuron: raise its density to at least 1 / {n_in}"
            )
        return n_links // n_out * n_out

    def why_not_shards(self) -> str:
        """Return why layers cannot be sharded by rows."""
        return "distributes links among the neurons of all ranks (constant_fan_in=True)"

    def check_start(self, layers: Layers, first: Mapping[str, int], last: Mapping[str, int]) -> None:
        """Check that the fan-ins are those that sparsify or an update creates."""
        for name, layer in layers.items():
            fan_in = torch.bincount(layer.cells() // layer.in_features, minlength=layer.out_features)
            is_whole = self.method.ablation is not None or bool((fan_in > 0).all())
            if not is_whole or not has_constant_fan_in(layer.cells(), layer.shape, last[name]):
                raise InvalidValueError(
                    f"layer {name!r} has {layer.n_links} links, {int(fan_in.min())} to {int(fan_in.max())} per output "
                    f"neuron, but method {self.method.name!r} distributes {last[name]} links equally among active "
                    "neurons: sparsify the model with this same method"
                )

    def links_after(self, scheduled: int, present: int) -> int:
        """Return the scheduled number, an upper bound: the layer gets what its active neurons can share equally."""
        return scheduled

    def remove(self, state: LayerState, step: Step) -> LayerState:
        """Remove and grow links in one stage, as the kept and grown links of a neuron must add up to its fan-in."""
        layer, field = state.layer, step.field(state.name, "removal")
        n_keep = self.n_kept(layer.cells.numel(), state.n_final, step)
        is_accelerator = is_asynchronous(layer.cells.device)
        rewire = partial(rewire_on_accelerator, step.readings) if is_accelerator else rewire_with_constant_fan_in
        try:
            kept, grown = rewire(
                layer, state.n_after, n_keep, field,
                ablation=step.method.ablation, allow_return=step.method.allow_return,
            )  # fmt: skip
        except InvalidValueError as error:
            raise InvalidValueError(f"layer {state.name!r}: {error}") from None
        return replace(state.with_kept(kept, remaining(layer.cells, kept)), grown=grown)

    def regrow(self, states: Mapping[str, LayerState], step: Step) -> dict[str, LayerState]:
        """Return the states unchanged, as `remove` has grown the links already."""
        return dict(states)

    def check_counts(self, states: Mapping[str, LayerState], step: Step, *, pooled: bool) -> None:
        """Assert that the links of each layer are distributed equally among its active neurons."""
        for name, state in states.items():
            holds = _has_constant_fan_in(state.after, state.layer.shape, state.n_after)
            error = f"internal error in layer {name!r}: unequal fan-ins, {state.after.numel()} links of {state.n_after}"
            step.readings.require(holds, partial(TopolearnError, error))


def has_constant_fan_in(cells: Tensor, shape: tuple[int, int], target: int) -> bool:
    """Return whether all neurons with links have ``floor(target / n_active)`` of them, all distinct.

    Examples
    --------
    >>> import torch
    >>> has_constant_fan_in(torch.tensor([0, 2, 6, 7]), (3, 3), 5), has_constant_fan_in(torch.tensor([0, 3]), (3, 3), 5)
    (True, False)
    """
    return bool(_has_constant_fan_in(cells, shape, target))


def _has_constant_fan_in(cells: Tensor, shape: tuple[int, int], target: int) -> Tensor:
    fan_in = cells.new_zeros(shape[0]).index_add_(0, cells // shape[1], torch.ones_like(cells))
    n_active = (fan_in > 0).sum()
    is_shared = (fan_in == 0) | (fan_in == target // n_active.clamp(min=1))
    return (cells.diff() > 0).all() & (n_active > 0) & is_shared.all()
