"""`check_finite`: reject weights that are not finite, even when no update reads them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import nn

from topolearn.errors import InvalidValueError
from topolearn.sparse import SparseLinear
from topolearn.sparse.weights.local_tensors import local_of
from topolearn.waiting import Readings


def not_finite(what: str, step: int) -> str:
    """Return the error message for a weight that is not finite.

    Examples
    --------
    >>> not_finite("layer '2'", 7)
    "layer '2' has a weight that is not finite at step 7: lower the learning rate, and skip empty batches"
    """
    return f"{what} has a weight that is not finite at step {step}: lower the learning rate, and skip empty batches"


@torch.no_grad()
def check_finite(model: nn.Module, layers: Mapping[str, SparseLinear], step: int) -> None:
    """Check that the weights of the sparse layers, or all trained parameters if there are none, are finite.

    Raises
    ------
    InvalidValueError
    """
    weights = {f"layer {name!r}": layer.link_parameter for name, layer in layers.items()}
    if not layers:
        weights = {f"parameter {name!r}": each for name, each in model.named_parameters() if each.requires_grad}
    readings = Readings()
    for what, weight in weights.items():
        error = partial(InvalidValueError, not_finite(what, step))
        readings.require(torch.isfinite(local_of(weight)).all(), error)
    readings.settle()
