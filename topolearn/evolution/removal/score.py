"""`RemovalScore`: a score of links, which determines the links to remove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution.step.links import LayerLinks


@dataclass(frozen=True)
class RemovalScore:
    """A score of links; those with a low score are removed.

    Attributes
    ----------
    compute : callable
        Maps `LayerLinks`, and the parameters as keywords, to a score of at least 0 for each link.
    params : Mapping of str to (float, float, float)
        Default, minimum and maximum of each parameter.
    needs_gradient : bool
        Whether it needs the gradient of the links.
    needs_signs : bool
        Whether it needs links with fixed signs, which they then have from the start.
    is_test : bool
        Whether it determines itself which, and so how many, links stay: those with a score above 0.
    """

    compute: Callable[..., Tensor]
    params: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    needs_gradient: bool = False
    needs_signs: bool = False
    is_test: bool = False

    def __call__(self, links: LayerLinks, params: Mapping[str, float] | None = None) -> Tensor:
        """Return the score of each link, ignoring parameters of other scores."""
        chosen = {name: (params or {}).get(name, default) for name, (default, _, _) in self.params.items()}
        return self.compute(links, **chosen)


def in_full(values: Tensor) -> Tensor:
    """Return values in at least float32, in which scores are computed."""
    return values if values.dtype == torch.float64 else values.to(torch.float32)


def on_matrix(compute: Callable[[LayerLinks], Tensor], w: Tensor, mask: Tensor) -> Tensor:
    """Return the scores of the links of a dense weight as a matrix, 0 where there is no link.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the mask is not bool or not of the weight's shape, or a weight on a link is not finite.
    """
    if mask.dtype != torch.bool:
        raise InvalidTypeError(f"mask must be a bool tensor, not {mask.dtype}: use, for example, w != 0")
    if w.dim() != 2 or w.shape != mask.shape:
        raise InvalidValueError(
            f"w has shape {tuple(w.shape)} and mask {tuple(mask.shape)}: both must be (n_out, n_in)"
        )
    links = LayerLinks.of(w, mask)
    if not bool(torch.isfinite(links.values).all()):
        raise InvalidValueError("w must be finite on all links: NaN and infinite weights have no score")
    scores = compute(links)
    return scores.new_zeros(mask.numel()).index_put_((links.cells,), scores).view(mask.shape)
