"""Devices by name, refused when they are not here."""

from __future__ import annotations

import torch

from topolearn.errors import InvalidValueError


def device_here(name: str) -> torch.device:
    """Return a device of this machine.

    Raises
    ------
    InvalidValueError
        When torch knows no such device, or sees none here.

    Examples
    --------
    >>> device_here("cpu")
    device(type='cpu')
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidValueError(
            f"there is no device {name!r} here ({reason}): use 'cpu', or a machine that has one"
        ) from None
    return device
