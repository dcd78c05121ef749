"""SRigL: each active neuron has the same number of inputs, and the others have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError, TopolearnError
from topolearn.evolution.links import LayerLinks
from topolearn.evolution.ordinary import Layers, Ordinary
from topolearn.evolution.stages import LayerState, Step
from topolearn.graph import without
from topolearn.sampling import RandomField, top, top_in_rows
from topolearn.sparse import largest_in_rows, largest_recorded


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
        try:
            kept, grown = rewire_with_constant_fan_in(
                layer, state.n_after, n_keep, field,
                ablation=step.method.ablation, allow_return=step.method.allow_return,
            )  # fmt: skip
        except InvalidValueError as error:
            raise InvalidValueError(f"layer {state.name!r}: {error}") from None
        return replace(state.with_kept(kept, without(layer.cells, kept)), grown=grown)

    def regrow(self, states: Mapping[str, LayerState], step: Step) -> dict[str, LayerState]:
        """Return the states as they are: the links have grown."""
        return dict(states)

    def check_counts(self, states: Mapping[str, LayerState], step: Step, *, pooled: bool) -> None:
        """Assert that the active neurons of each layer share its number of links equally."""
        for name, state in states.items():
            if not has_constant_fan_in(state.after, state.layer.shape, state.n_after):
                raise TopolearnError(
                    f"internal error in layer {name!r}: {state.after.numel()} links, {state.n_after} at most, not of "
                    "constant fan-in"
                )


def rewire_with_constant_fan_in(
    layer: LayerLinks,
    target: int,
    n_keep: int,
    field: RandomField,
    *,
    ablation: float | None = None,
    allow_return: bool = True,
) -> tuple[Tensor, Tensor]:
    r"""Return the links of a layer that an update keeps, and those that it grows.

    1. Salient are the ``n_keep`` links with the largest :math:`|w|`, and as many other cells as links go, those with
       the largest :math:`|\partial L / \partial w|`. Links of weight 0 are never kept.
    2. A neuron with fewer than :math:`\max(1, \lfloor \gamma k \rfloor)` salient cells is ablated: it has no links
       after the update. :math:`k` is the fan-in before the update, :math:`\gamma` is ``ablation``. All others, ablated
       before or not, are active.
    3. The new fan-in is :math:`k' = \lfloor \text{target} / n_\text{active} \rfloor`.
    4. Of the links of active neurons the ``n_keep`` with the largest :math:`|w|` are kept, :math:`k'` of a neuron at
       most.
    5. Each active neuron grows links where its gradient is largest, until it has :math:`k'`.

    At least :math:`\lceil \text{target} / n_\text{in} \rceil` neurons stay active, those with most salient cells, so
    that :math:`k' \le n_\text{in}`.

    Parameters
    ----------
    layer : LayerLinks
        With ``record``. No neuron of a layer with ``is_output`` is ablated.
    target : int
        Links that the layer may have, at least one for each output neuron.
    n_keep : int
        How many links to keep.
    field : RandomField
        The source of all draws, which break ties.
    ablation : float, optional
        :math:`\gamma`; without it no neuron is ablated.
    allow_return : bool
        Whether links that go may grow again; if not, they do so only where a neuron has no other cells left.

    Returns
    -------
    kept, grown : Tensor of int64
        Sorted cells.

    Raises
    ------
    InvalidValueError
        When the gradient is not finite.

    References
    ----------
    Lasby et al. (2024), "Dynamic sparse training with structured sparsity", ICLR, section 3.1.
    """
    assert layer.record is not None
    n_out, n_in = layer.shape
    device = layer.cells.device
    active = torch.arange(n_out, device=device)
    if ablation is not None and not layer.is_output:
        active = _salient_neurons(layer, target, n_keep, ablation, field)
    quota = torch.zeros(n_out, dtype=torch.int64, device=device)
    quota[active] = target // active.numel()
    kept = _strongest(layer, (quota > 0)[layer.cells // n_in], n_keep, field)
    kept = top_in_rows(kept, layer.among(kept).values.abs(), quota, n_in, field)
    missing = quota - torch.bincount(kept // n_in, minlength=n_out)
    lost = layer.cells[:0] if allow_return else without(layer.cells, kept)
    grown = largest_in_rows(layer.record, missing, replace(field, purpose="regrowth"), excluded=kept, last=lost)
    return kept, grown


def has_constant_fan_in(cells: Tensor, shape: tuple[int, int], target: int) -> bool:
    """Whether all neurons that have links have ``floor(target / n_active)`` of them, all distinct.

    Examples
    --------
    >>> import torch
    >>> has_constant_fan_in(torch.tensor([0, 2, 6, 7]), (3, 3), 5), has_constant_fan_in(torch.tensor([0, 3]), (3, 3), 5)
    (True, False)
    """
    fan_in = torch.bincount(cells // shape[1], minlength=shape[0])
    fan_in = fan_in[fan_in > 0]
    is_sorted = bool((cells.diff() > 0).all())
    return is_sorted and bool(fan_in.numel()) and bool((fan_in == target // fan_in.numel()).all())


def _salient_neurons(layer: LayerLinks, target: int, n_keep: int, ablation: float, field: RandomField) -> Tensor:
    """Return the neurons, sorted, that have enough salient cells to be active."""
    assert layer.record is not None
    n_out, n_in = layer.shape
    kept = _strongest(layer, torch.ones_like(layer.cells, dtype=torch.bool), n_keep, field)
    n_gone = layer.cells.numel() - kept.numel()
    by_gradient = replace(field, purpose="salience")
    others, _ = largest_recorded(layer.record, n_gone, by_gradient, soft=False, excluded=kept)
    n_salient = torch.bincount(torch.cat((kept, others)) // n_in, minlength=n_out)
    fan_in = int(torch.bincount(layer.cells // n_in).max())
    active = (n_salient >= max(1, int(ablation * fan_in))).nonzero().squeeze(1)
    n_least = -(-target // n_in)
    if active.numel() >= n_least:
        return active
    neurons = torch.arange(n_out, device=n_salient.device)
    return top(neurons, n_salient, n_least, replace(field, purpose="ablation"))


def _strongest(layer: LayerLinks, among: Tensor, n_keep: int, field: RandomField) -> Tensor:
    """Return those links among some, of at most ``n_keep``, that have the largest weights; none of weight 0."""
    sizes = layer.values.abs()
    among = among & (sizes > 0)
    cells = layer.cells[among]
    return top(cells, sizes[among], min(n_keep, cells.numel()), field)
