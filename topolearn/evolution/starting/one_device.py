"""Checking that all sparse layers of a model are on one device that can compute updates."""

from collections.abc import Mapping

import torch

from topolearn.devices import check_float64
from topolearn.errors import InvalidValueError
from topolearn.sparse import CsrLinear, SparseLinear, check_products


def check_one_device(layers: Mapping[str, SparseLinear]) -> None:
    """Check that the layers share one device, as they percolate together, and that the device supports updates.

    Raises
    ------
    InvalidValueError
    """
    places: dict[torch.device, list[str]] = {}
    for name, layer in layers.items():
        places.setdefault(layer.link_parameter.device, []).append(name)
    if len(places) > 1:
        listed = "; ".join(f"{', '.join(map(repr, names))} on {device}" for device, names in places.items())
        raise InvalidValueError(
            f"the sparse layers are on {len(places)} devices ({listed}), but updates need all of them on one: move the "
            "model to one device with model.to(device), or leave the other layers dense with exclude=[...]"
        )
    for device, names in places.items():
        check_float64(f"layer {names[0]!r} is on {device}, which", device)
    for layer in layers.values():
        if isinstance(layer, CsrLinear):
            check_products(layer.link_parameter.device)
