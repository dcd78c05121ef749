"""`ConstantFanIn`: the kind of SRigL, in which each active neuron has the same number of inputs."""

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
from topolearn.evolution.stages import LayerState, Step
from topolearn.graph import left_of
from topolearn.waiting import works_behind


class ConstantFanIn(Ordinary):
    """Shares the scheduled number of links equally among the output neurons of a layer that have any (SRigL)."""

    def starting_links(self, name: str, n_links: int, n_in: int, n_out: int) -> int:
        """Return the largest number of links, up to one, that all output neurons can share equally.

        Raises
        ------
        InvalidValueError
            When there are fewer links than output neurons.
        """
        if n_links < n_out:
            raise InvalidValueError(
                f"layer {name!r} has {n_links} links for {n_out} output neurons, so that with constant fan-in all "
                f"would have none: raise its density to at least 1 / {n_in}"
            )
        return n_links // n_out * n_out

    def refusal_of_shards(self) -> str:
        """Return why ranks cannot share out the rows of a layer."""
        return "shares links among the neurons of all ranks (constant_fan_in=True)"

    def check_start(self, layers: Layers, first: Mapping[str, int], last: Mapping[str, int]) -> None:
        """Refuse layers whose neurons have unequal fan-ins, or others than a start or an update leaves."""
        for name, layer in layers.items():
            fan_in = torch.bincount(layer.cells() // layer.in_features, minlength=layer.out_features)
            is_whole = self.method.ablation is not None or bool((fan_in > 0).all())
            if not is_whole or not has_constant_fan_in(layer.cells(), layer.shape, last[name]):
                raise InvalidValueError(
                    f"layer {name!r} has {layer.n_links} links, {int(fan_in.min())} to {int(fan_in.max())} for an "
                    f"output neuron, but method {self.method.name!r} shares {last[name]} equally among those that "
                    "have any: sparsify the model with this very method"
                )

    def links_after(self, scheduled: int, present: int) -> int:
        """Return the scheduled number, of which a layer has what its active neurons can share equally."""
        return scheduled

    def remove(self, state: LayerState, step: Step) -> LayerState:
        """Remove and grow links at once: those that a neuron keeps and those that it grows share one number."""
        layer, field = state.layer, step.field(state.name, "removal")
        n_keep = self.n_kept(layer.cells.numel(), state.n_final, step)
        behind = works_behind(layer.cells.device)
        rewire = partial(rewire_on_accelerator, step.readings) if behind else rewire_with_constant_fan_in
        try:
            kept, grown = rewire(
                layer, state.n_after, n_keep, field,
                ablation=step.method.ablation, allow_return=step.method.allow_return,
            )  # fmt: skip
        except InvalidValueError as error:
            raise InvalidValueError(f"layer {state.name!r}: {error}") from None
        return replace(state.with_kept(kept, left_of(layer.cells, kept)), grown=grown)

    def regrow(self, states: Mapping[str, LayerState], step: Step) -> dict[str, LayerState]:
        """Return the states as they are: the links have grown."""
        return dict(states)

    def check_counts(self, states: Mapping[str, LayerState], step: Step, *, pooled: bool) -> None:
        """Assert that the active neurons of each layer share its number of links equally."""
        for name, state in states.items():
            holds = _has_constant_fan_in(state.after, state.layer.shape, state.n_after)
            error = f"internal error in layer {name!r}: {state.after.numel()} links, {state.n_after} at most, not of "
            step.readings.refuse_unless(holds, partial(TopolearnError, f"{error}constant fan-in"))


def has_constant_fan_in(cells: Tensor, shape: tuple[int, int], target: int) -> bool:
    """Whether all neurons that have links have ``floor(target / n_active)`` of them, all distinct.

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
