"""Checks of logged values: names that can be table columns, and numbers."""

import reprlib
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from torch import Tensor

from topolearn.errors import InvalidTypeError, InvalidValueError

Number = int | float


def check_numbers(values: Mapping[str, Any]) -> dict[str, Number]:
    """Return logged values as plain numbers, which may be NaN or infinite.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When there is no value besides the step, a name is not printable text, or a value is not a number.

    Examples
    --------
    >>> check_numbers({"loss": Tensor([0.5]), "lr": np.float64(0.1)})
    {'loss': 0.5, 'lr': 0.1}
    >>> check_numbers({"loss": "low"})
    Traceback (most recent call last):
    topolearn.errors.InvalidTypeError: loss='low' is a str: log a number
    """
    if not values.keys() - {"step"}:
        raise InvalidValueError("log() got no numbers: pass at least one, such as log(loss=loss.item())")
    if "n_steps" in values:
        raise InvalidValueError("n_steps is a column that the recorder writes: log this number under another name")
    return {_name(name): _number(name, value) for name, value in values.items()}


def check_step(step: Any) -> int:
    """Return a step as an int.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not a non-negative integer.
    """
    if isinstance(step, bool) or not isinstance(step, Integral):
        raise InvalidTypeError(f"step={step!r} must be a non-negative integer")
    if step < 0:
        raise InvalidValueError(f"step={step} must be at least 0")
    return int(step)


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidTypeError(f"{name!r} is a {type(name).__name__}: use a string as the name, such as 'loss'")
    if not name.strip() or not name.isprintable():
        raise InvalidValueError(f"{name!r} must be a non-empty name of printable characters, such as 'loss'")
    return name


def _number(name: str, value: Any) -> Number:
    if isinstance(value, Tensor | np.ndarray):
        size = value.numel() if isinstance(value, Tensor) else value.size
        if size != 1:
            raise InvalidTypeError(f"{name} has {size} elements: log one number, such as their mean")
        return _number(name, value.item())
    if isinstance(value, bool | np.bool_):
        raise InvalidTypeError(f"{name}={value!r} is a bool: log int({name}) instead")
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    hint = "log a number" if value is not None else "log a number, or leave it out"
    raise InvalidTypeError(f"{name}={reprlib.repr(value)} is a {type(value).__name__}: {hint}")
